import { readFileSync } from "node:fs";

import { messageOf, UserError } from "@mcp-fleet/errors";
import type { ClientConfig } from "pg";

import type { Failure } from "../resource-type";
import { type JsonObject, textAt, unknownValue } from "../values";

/** The used part of a provider's configuration. */
export interface Settings {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string | undefined;
  /** The database for roles, and for resources that name none. */
  readonly database: string;
  readonly ssl: ClientConfig["ssl"];
  readonly connectSeconds: number;
}

const used = ["host", "port", "username", "password", "database", "connectTimeout"];
const tls = ["sslmode", "sslMode", "sslrootcert"];
/** Options that have no effect here, or whose effect is the default here. */
const noDifference = ["superuser", "databaseUsername", "expectedVersion", "maxConnections"];
const known: readonly string[] = [...used, ...tls, ...noDifference, "scheme"];

const tlsModes: readonly string[] = ["disable", "require", "verify-ca", "verify-full"];
const defaultConnectSeconds = 180;

export function refuseSettings(config: JsonObject): Failure[] {
  const unknown = Object.entries(config)
    .filter(([key, value]) => !known.includes(key) && value !== "false")
    .map(([property]) => ({
      property,
      reason: `The lab's own postgresql plugin does not apply \`${property}\` of a provider. Leave it out, or use the official plugin.`,
    }));
  const mode = tlsMode(config);
  const scheme = textAt(config, "scheme") ?? "postgres";
  return [
    ...unknown,
    ...(tlsModes.includes(mode) || mode === unknownValue
      ? []
      : [
          {
            property: "sslmode",
            reason: `"${mode}" is no sslmode. Set it to one of ${tlsModes.join(", ")}.`,
          },
        ]),
    ...(scheme === "postgres"
      ? []
      : [
          {
            property: "scheme",
            reason: `The lab's own postgresql plugin speaks to no "${scheme}". Leave scheme out, or use the official plugin.`,
          },
        ]),
  ];
}

/** @throws UserError for a certificate file that cannot be read */
export function settingsOf(config: JsonObject): Settings {
  return {
    host: textAt(config, "host") ?? "localhost",
    port: Number(textAt(config, "port") ?? 5432),
    user: textAt(config, "username") ?? "postgres",
    password: textAt(config, "password"),
    database: textAt(config, "database") ?? "postgres",
    ssl: sslOf(config),
    connectSeconds: Number(textAt(config, "connectTimeout") ?? defaultConnectSeconds),
  };
}

const tlsMode = (config: JsonObject): string =>
  textAt(config, "sslmode") ?? textAt(config, "sslMode") ?? "require";

function sslOf(config: JsonObject): ClientConfig["ssl"] {
  const mode = tlsMode(config);
  if (mode === "disable") return false;
  const file = textAt(config, "sslrootcert");
  return {
    ...(file === undefined ? {} : { ca: certificate(file) }),
    rejectUnauthorized: mode !== "require",
    ...(mode === "verify-ca" ? { checkServerIdentity: () => undefined } : {}),
  };
}

function certificate(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new UserError(
      `The file that sslrootcert of the postgresql provider names cannot be read: ${messageOf(error)}.`,
      "Give the path of a readable PEM file.",
    );
  }
}
