import { isUserError } from "@mcp-fleet/errors";
import * as pulumi from "@pulumi/pulumi";

import { parseDatabaseUrl } from "../components/database";
import type { Problem } from "./schema";

/** Names of environment variables with their values; the names are plain so that they can be compared and listed. */
export interface SecretBundle {
  readonly keys: readonly string[];
  readonly values: pulumi.Output<Record<string, string>>;
}

/** The stack's secrets. Every value is an output that is marked secret. */
export interface SecretValues {
  readonly databaseUrl?: pulumi.Output<string>;
  readonly studio?: SecretBundle;
  readonly servers: Readonly<Record<string, SecretBundle>>;
}

/**
 * Reads the secret keys of the configuration. Of their content only the names are looked at; what is wrong is
 * added to `problems`.
 */
export function namesOfSecrets(project: string, problems: Problem[]): SecretValues {
  const config = new pulumi.Config(project);
  for (const key of ["databaseUrl", "serverSecrets", "studioSecrets"]) {
    if (isSet(project, key) && !(isSecret(project, key) ?? true)) problems.push(notSecret(key));
  }
  const databaseUrl = config.getSecret("databaseUrl");
  problems.push(...badDatabaseUrl(config.get("databaseUrl")));
  const studio = parseBundle(config.get("studioSecrets"), "studioSecrets", problems);
  return {
    ...(databaseUrl === undefined ? {} : { databaseUrl }),
    ...(studio === undefined ? {} : { studio }),
    servers: parseServers(config.get("serverSecrets"), problems),
  };
}

/** Looked at in clear, so that a wrong DSN is told with everything else that is wrong and not halfway through. */
function badDatabaseUrl(text: string | undefined): Problem[] {
  if (text === undefined) return [];
  try {
    parseDatabaseUrl(text);
    return [];
  } catch (error) {
    if (!isUserError(error)) throw error;
    return [{ path: "databaseUrl", problem: "is not a PostgreSQL URL.", fix: error.fix }];
  }
}

function isSet(project: string, key: string): boolean {
  return pulumi.runtime.allConfig()[`${project}:${key}`] !== undefined;
}

/** The SDK knows which keys are secret but does not declare the function; undefined without it. */
export function isSecret(project: string, key: string): boolean | undefined {
  const runtime = pulumi.runtime as unknown as { isConfigSecret?: (key: string) => boolean };
  return runtime.isConfigSecret?.(`${project}:${key}`);
}

function notSecret(key: string): Problem {
  return {
    path: key,
    problem: "is stored in clear.",
    fix: `Set it again with: pulumi config set --secret ${key} <value>; then change the credential, since the old value is in the stack file.`,
  };
}

function parseServers(
  text: string | undefined,
  problems: Problem[],
): Readonly<Record<string, SecretBundle>> {
  if (text === undefined) return {};
  const parsed = parseObject(text);
  if (parsed === undefined) {
    problems.push(notAnObject("serverSecrets", "serverSecrets.<server>.<KEY>"));
    return {};
  }
  const bundles: Record<string, SecretBundle> = {};
  for (const [server, content] of Object.entries(parsed)) {
    const bundle = bundleOf(content);
    if (bundle === undefined) {
      problems.push(notAnObject(`serverSecrets.${server}`, `serverSecrets.${server}.<KEY>`));
    } else if (bundle.keys.length > 0) {
      bundles[server] = bundle;
    }
  }
  return bundles;
}

function parseBundle(
  text: string | undefined,
  path: string,
  problems: Problem[],
): SecretBundle | undefined {
  if (text === undefined) return undefined;
  const bundle = bundleOf(parseObject(text));
  if (bundle === undefined) problems.push(notAnObject(path, `${path}.<KEY>`));
  return bundle;
}

function bundleOf(content: unknown): SecretBundle | undefined {
  if (typeof content !== "object" || content === null || Array.isArray(content)) return undefined;
  const entries = Object.entries(content).map(([key, value]) => [key, String(value)] as const);
  return {
    keys: entries.map(([key]) => key).sort(),
    values: pulumi.secret(Object.fromEntries(entries)),
  };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function notAnObject(path: string, example: string): Problem {
  return {
    path,
    problem: "must be an object of names and values.",
    fix: `Set it by parts with: pulumi config set --secret --path ${example} <value>`,
  };
}
