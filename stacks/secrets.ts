import { isUserError } from "@mcp-fleet/errors";
import { notSecret, ownValue, type Problem, secretKeys } from "@mcp-fleet/schema";
import * as pulumi from "@pulumi/pulumi";

import { parseDatabaseUrl } from "../components/database";
import type { SharedValues } from "./shared";

/** Environment variables by name; the names are plain so that they can be compared and listed. */
interface SecretBundle {
  readonly keys: readonly string[];
  readonly values: pulumi.Output<Record<string, string>>;
  /** One value in plain text: for a row's header, which the Cutover keeps as a secret. Never to be printed. */
  readonly clear: (name: string) => string | undefined;
}

/** The stack's secrets. Every value is an output that is marked secret. */
export interface SecretValues {
  readonly databaseUrl?: pulumi.Output<string>;
  /** Whether the value is another stack's output: the provider can read only the stack's own configuration. */
  readonly databaseIsShared: boolean;
  /** The database's address for the application's pods, if configured. It contains no credential. */
  readonly databaseAddress?: { readonly host: string; readonly port: number };
  /** The login that creates the mesh registry's database. */
  readonly meshDatabaseUrl?: pulumi.Output<string>;
  readonly studio?: SecretBundle;
  readonly servers: Readonly<Record<string, SecretBundle>>;
}

/**
 * Reads the secret keys of the configuration, and adds those of another stack. Only the names in them are read;
 * mistakes are added to `problems`.
 */
export function namesOfSecrets(
  project: string,
  shared: SharedValues,
  problems: Problem[],
): SecretValues {
  const config = new pulumi.Config(project);
  for (const key of secretKeys) {
    if (isSet(project, key) && !(isSecret(project, key) ?? true)) problems.push(notSecret([key]));
  }
  const databaseIsShared = shared.databaseUrl !== undefined;
  if (databaseIsShared && isSet(project, "databaseUrl")) problems.push(setTwice("databaseUrl"));
  const databaseUrl = databaseIsShared
    ? pulumi.secret(shared.databaseUrl)
    : config.getSecret("databaseUrl");
  problems.push(
    ...badDatabaseUrl("databaseUrl", config.get("databaseUrl")),
    ...badDatabaseUrl("meshDatabaseUrl", config.get("meshDatabaseUrl")),
    ...badDatabaseUrl("shared.outputs.databaseUrl", shared.databaseUrl),
  );
  const meshDatabaseUrl = config.getSecret("meshDatabaseUrl");
  const databaseAddress = addressOf(
    parseObject(config.get("studioSecrets") ?? "{}")?.DATABASE_URL,
    shared.studioSecrets?.DATABASE_URL,
    shared.databaseUrl,
    config.get("databaseUrl"),
  );
  const own = parseBundle(config.get("studioSecrets"), "studioSecrets", problems);
  const studio = withShared(own, shared.studioSecrets, problems);
  return {
    databaseUrl,
    databaseIsShared,
    databaseAddress,
    meshDatabaseUrl,
    studio,
    servers: parseServers(config.get("serverSecrets"), problems),
  };
}

/** Host and port of the first PostgreSQL URL. */
function addressOf(...urls: readonly unknown[]): SecretValues["databaseAddress"] {
  for (const url of urls) {
    if (typeof url !== "string" || !URL.canParse(url) || !/^postgres(ql)?:/.test(url)) continue;
    const { hostname: host, port } = new URL(url);
    if (host !== "") return { host, port: port === "" ? 5432 : Number(port) };
  }
  return undefined;
}

/** Reads the plain text, so that a wrong DSN is reported together with all other mistakes. */
function badDatabaseUrl(path: string, text: string | undefined): Problem[] {
  if (text === undefined) return [];
  try {
    parseDatabaseUrl(text, path);
    return [];
  } catch (error) {
    if (!isUserError(error)) throw error;
    return [{ path, problem: "is not a PostgreSQL URL.", fix: error.fix }];
  }
}

/** The bundle with the values of another stack. A name in both is a problem. */
function withShared(
  own: SecretBundle | undefined,
  shared: SharedValues["studioSecrets"],
  problems: Problem[],
): SecretBundle | undefined {
  if (shared === undefined) return own;
  const names = Object.keys(shared);
  const twice = names.filter((name) => own?.keys.includes(name) === true);
  problems.push(...twice.map((name) => setTwice(`studioSecrets.${name}`)));
  return {
    keys: [...(own?.keys ?? []), ...names].sort(),
    values: pulumi.secret(own?.values ?? {}).apply((values) => ({ ...values, ...shared })),
    clear: (name) => ownValue(shared, name) ?? own?.clear(name),
  };
}

/** The problem of a key with values from this stack and from another. */
export function setTwice(path: string): Problem {
  return {
    path,
    problem: `and [shared.outputs.${path}] are both set.`,
    fix: `Keep one of them: pulumi config rm ${path.includes(".") ? "--path " : ""}${path} for the other stack's value.`,
  };
}

function isSet(project: string, key: string): boolean {
  return pulumi.runtime.allConfig()[`${project}:${key}`] !== undefined;
}

/** The SDK knows which keys are secret but does not declare the function; undefined without it. */
export function isSecret(project: string, key: string): boolean | undefined {
  const runtime = pulumi.runtime as unknown as { isConfigSecret?: (key: string) => boolean };
  return runtime.isConfigSecret?.(`${project}:${key}`);
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
  const values = Object.fromEntries(entries);
  return {
    keys: entries.map(([key]) => key).sort(),
    values: pulumi.secret(values),
    clear: (name) => ownValue(values, name),
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
    fix: `Set it by parts, each with: pulumi config set --secret --path ${example}`,
  };
}
