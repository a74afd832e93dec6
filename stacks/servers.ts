import type { CatalogEntry, CatalogRow } from "@mcp-fleet/catalog";

import type { EnvValue, Health, Probes, SecretSource, ServerSource } from "../components/server";
import { defaultHealth } from "../components/server";
import type { Problem, ServerSettings, StackSettings } from "./schema";
import type { SecretBundle, SecretValues } from "./secrets";
import { ownServer, sameNames, secretsOfNobody, serverProblems } from "./server-checks";
import { nodePortsTwice, type Operations, operationsOf } from "./server-operations";
import { sourceOf } from "./server-source";

/** A server with its catalog entry and the stack's settings put together; nothing in it is left to decide. */
export interface ResolvedServer {
  readonly key: string;
  readonly serviceName: string;
  readonly source: ServerSource;
  readonly port: number;
  readonly path: string;
  readonly health: Health;
  readonly startSeconds: number;
  /** How long one request of the probe may take. */
  readonly requestSeconds: number;
  readonly rolloutSeconds?: number;
  readonly probes?: Probes;
  readonly env: Readonly<Record<string, EnvValue>>;
  readonly secret?: SecretSource;
  readonly secretVersion?: string;
  /** Absolute path -> key of the secret. */
  readonly files?: Readonly<Record<string, string>>;
  /** Every credential the server is configured with, by name. */
  readonly credentialKeys: readonly string[];
  readonly replicas?: number;
  readonly resources: CatalogEntry["resources"];
  readonly writable: readonly string[];
  readonly operations: Operations;
  /** Whether it reads the application's database. */
  readonly database: boolean;
  readonly imagePullSecrets: readonly string[];
  readonly auth: "none" | "per-request";
  readonly headers: Readonly<Record<string, string>>;
  readonly requiredTools: readonly string[];
  readonly minTools: number;
  /** The row that is pointed at the server. Absent: it has none. */
  readonly row?: CatalogRow & {
    readonly key: string;
    /** Where the row's URL has another path than the server. */
    readonly path?: string;
    readonly applicationOwns?: readonly "url"[];
    readonly keep?: "all" | readonly string[];
    readonly set?: Readonly<Record<string, string | null>>;
  };
}

/** Puts settings and catalog together; everything wrong is added to `problems`. */
export function resolveServers(
  settings: StackSettings,
  catalog: Readonly<Record<string, CatalogEntry>>,
  secrets: SecretValues,
  problems: Problem[],
): ResolvedServer[] {
  // The engine hands objects over with sorted keys, a stack file has them in any order: the plan must not differ.
  const enabled = Object.entries(settings.servers)
    .filter(([, own]) => own.enabled !== false)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const servers = enabled.flatMap(([key, own]) => {
    const entry = catalog[key];
    const found = serverProblems(key, own, entry, secrets.servers[key], settings, catalog);
    problems.push(...found);
    return found.length > 0 ? [] : [resolve(key, own, entry, secrets.servers[key], settings)];
  });
  problems.push(
    ...secretsOfNobody(settings, secrets),
    ...sameNames(servers),
    ...nodePortsTwice(settings.servers),
  );
  return servers;
}

function resolve(
  key: string,
  own: ServerSettings,
  entry: CatalogEntry | undefined,
  secrets: SecretBundle | undefined,
  settings: StackSettings,
): ResolvedServer {
  const base = entry ?? ownServer;
  const source = sourceOf(own, entry);
  const env = { ...base.env, ...own.env };
  const secret = secretOf(own, secrets);
  const row = rowOf(key, own, base);
  return {
    key,
    serviceName: own.name ?? entry?.serviceName ?? `${key}-mcp`,
    source,
    port: own.port ?? entry?.port ?? 0,
    path: own.path ?? base.path,
    health: healthOf(own, entry, source.kind),
    startSeconds: own.startSeconds ?? base.startSeconds,
    requestSeconds: own.requestSeconds ?? own.startSeconds ?? base.startSeconds,
    ...(own.rolloutSeconds === undefined ? {} : { rolloutSeconds: own.rolloutSeconds }),
    ...(own.probes === undefined ? {} : { probes: own.probes }),
    env,
    ...(secret === undefined ? {} : { secret }),
    ...(own.secretVersion === undefined ? {} : { secretVersion: own.secretVersion }),
    ...(own.files === undefined ? {} : { files: own.files }),
    credentialKeys: [
      ...new Set([
        ...Object.keys(env),
        ...(secrets?.keys ?? []),
        ...(own.secretKeys ?? []),
        ...externalKeys(own),
      ]),
    ].sort(),
    ...(own.replicas === undefined ? {} : { replicas: own.replicas }),
    resources: own.resources ?? base.resources,
    writable: own.writable ?? base.writable,
    operations: operationsOf(own, base),
    database: own.database ?? base.database ?? false,
    imagePullSecrets: own.imagePullSecrets ?? settings.imagePullSecrets,
    auth: own.auth ?? "none",
    headers: own.headers ?? {},
    requiredTools: own.requiredTools ?? base.requiredTools,
    minTools: own.minTools ?? base.minTools,
    ...(row === undefined ? {} : { row }),
  };
}

function healthOf(
  own: ServerSettings,
  entry: CatalogEntry | undefined,
  source: ServerSource["kind"],
): Health {
  if (own.health === "tcp") return { kind: "tcp" };
  if (own.health !== undefined) return { kind: "http", path: own.health };
  return entry?.health ?? defaultHealth(source);
}

function secretOf(
  own: ServerSettings,
  secrets: SecretBundle | undefined,
): SecretSource | undefined {
  if (typeof own.secret === "string") return { kind: "existing", name: own.secret };
  if (own.secret !== undefined && "external" in own.secret) {
    return { kind: "external", ...own.secret.external };
  }
  if (own.secret !== undefined) {
    const { infisical } = own.secret;
    return "authRef" in infisical
      ? { kind: "infisical-static", ...infisical }
      : { kind: "infisical", ...infisical };
  }
  return secrets === undefined ? undefined : { kind: "values", values: secrets.values };
}

/** The variables of a Secret out of a store, where they are named one by one. */
function externalKeys({ secret }: ServerSettings): string[] {
  return typeof secret === "object" && "external" in secret
    ? Object.keys(secret.external.keys ?? {})
    : [];
}

function rowOf(
  key: string,
  own: ServerSettings,
  base: Pick<CatalogEntry, "row">,
): ResolvedServer["row"] {
  if (own.row === false) return undefined;
  const seed = own.row?.seed ?? base.row.seed;
  return {
    key: own.row?.key ?? key,
    aliases: own.row?.aliases ?? base.row.aliases,
    ...(seed === undefined ? {} : { seed }),
    ...(own.row?.path === undefined ? {} : { path: own.row.path }),
    ...(own.row?.applicationOwns === undefined ? {} : { applicationOwns: own.row.applicationOwns }),
    ...(own.row?.keep === undefined ? {} : { keep: own.row.keep }),
    ...(own.row?.set === undefined ? {} : { set: own.row.set }),
  };
}
