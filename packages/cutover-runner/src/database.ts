import { readFileSync } from "node:fs";

import { messageOf, UserError } from "@mcp-fleet/errors";
import { connectKube, openPortForward } from "@mcp-fleet/kube";
import type { Db } from "@mcp-fleet/row-cutover";

import type { Credentials, DatabaseRef, KubeRef } from "./types";

/** How the database is reached, and in which cluster a port is forwarded. */
export interface DatabaseInputs {
  readonly database: DatabaseRef;
  readonly kubernetes: KubeRef;
}

/**
 * Gives `use` a way to the database and closes it afterwards, whatever happens.
 * @throws {UserError} when the DSN or the way to the database is wrong; whatever `use` throws
 */
export async function withDatabase<T>(
  inputs: DatabaseInputs,
  credentials: Credentials,
  use: (db: Db) => Promise<T>,
): Promise<T> {
  const { connect, tls = "verify-full" } = inputs.database;
  if (connect === "direct") return use(databaseOf(credentials.databaseUrl, tls));
  const kube = await connectKube(inputs.kubernetes, credentials);
  const forward = await openPortForward(kube, connect.portForward, {
    subject: "the database",
    setting: "database.connect.portForward",
  });
  try {
    const url = parseDsn(credentials.databaseUrl);
    const local = new URL(url);
    local.hostname = "127.0.0.1";
    local.port = String(forward.port);
    return await use(databaseOf(local.href, tls, url.hostname));
  } catch (error) {
    throw await clearer(error, forward.failure());
  } finally {
    await forward.close();
  }
}

/**
 * The tunnel's own failure where the database client only saw a cut connection. Anything else the client said
 * stands: an unknown COMMIT or a conflict must not be hidden by a tunnel that failed before.
 */
export async function clearer(error: unknown, tunnel: Error | undefined): Promise<unknown> {
  const { DatabaseUnreachable } = await import("@mcp-fleet/row-cutover");
  return error instanceof DatabaseUnreachable ? (tunnel ?? error) : error;
}

/**
 * The connection for one DSN. TLS follows `tls` alone: `sslmode` is dropped, since the driver would let it win,
 * and certificate files named in the DSN are read here.
 * @param serverName the name in the server's certificate, when it is reached under another address
 */
export function databaseOf(
  dsn: string,
  tls: NonNullable<DatabaseRef["tls"]>,
  serverName?: string,
): Db {
  const url = parseDsn(dsn);
  const files = { ca: "sslrootcert", cert: "sslcert", key: "sslkey" } as const;
  const given: Record<string, string> = {};
  for (const [option, parameter] of Object.entries(files)) {
    const path = url.searchParams.get(parameter);
    if (path !== null && path !== "system" && tls !== "disable")
      given[option] = readFile(parameter, path);
    url.searchParams.delete(parameter);
  }
  for (const parameter of ["sslmode", "ssl", "sslnegotiation", "uselibpqcompat"])
    url.searchParams.delete(parameter);
  if (tls === "disable") return { connectionString: url.href, ssl: false };
  const ssl = {
    ...given,
    rejectUnauthorized: true,
    ...(serverName !== undefined && { servername: serverName }),
    ...(tls === "verify-ca" && { checkServerIdentity: () => undefined }),
  };
  return { connectionString: url.href, ssl };
}

function parseDsn(dsn: string): URL {
  const url = URL.canParse(dsn) ? new URL(dsn) : undefined;
  if (url === undefined || !/^postgres(ql)?:$/.test(url.protocol)) {
    throw new UserError(
      "databaseUrl is not a PostgreSQL DSN.",
      "Set it to postgresql://user:password@host:port/database, with special characters in the password percent-encoded.",
    );
  }
  return url;
}

function readFile(parameter: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new UserError(
      `The file that ${parameter} in databaseUrl names cannot be read: ${messageOf(error)}.`,
      "Give the path of a readable PEM file.",
    );
  }
}
