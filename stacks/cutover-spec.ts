import type { ResolvedServer, StackSettings } from "@mcp-fleet/schema";

import { serviceUrl } from "../components/core";
import type {
  CutoverSpec,
  DatabaseRef,
  ProbeSpec,
  RowSpec,
  ServerTarget,
  TableSpec,
} from "../components/cutover";
import { headersOf, targetHeaders } from "./headers";
import type { SecretValues } from "./secrets";
import { lockOf, type ToolLocks } from "./tools-lock";

/** Pods that call MCP servers, for probe and NetworkPolicies. */
export interface ConsumerPosition {
  readonly name: string;
  readonly labels: Record<string, string>;
  readonly serviceAccount?: string;
  /**
   * MCP protocol versions that they speak.
   * @default those with a handshake
   */
  readonly protocols?: readonly string[];
}

/** The target of the rows: one entry for each server with a row. */
export function cutoverSpec(
  name: string,
  settings: StackSettings,
  servers: readonly ResolvedServer[],
  secrets: Pick<SecretValues, "servers">,
): CutoverSpec {
  const { cutover } = settings;
  const rows = servers.flatMap((server) => rowSpec(settings.namespace, server, secrets));
  const served = new Set(rows.map((row) => row.key));
  return {
    name: cutover.name ?? name,
    table: tableSpec(cutover.table),
    rows,
    deferred: settings.deferred.filter((key) => !served.has(key)),
    skip: cutover.skip,
    softReferences: cutover.softReferences,
    onConflict: cutover.onConflict,
    fence: cutover.fence,
    timeouts: cutover.timeouts,
    maxRows: cutover.maxRows,
    ...(cutover.customAliases === "merge" ? { customAliases: "merge" } : {}),
    ...(cutover.allowSuperuser ? { allowSuperuser: true } : {}),
    ...(cutover.allowPublications ? { allowPublications: true } : {}),
  };
}

/** Columns that the table does not have are omitted. */
function tableSpec(table: StackSettings["cutover"]["table"]): TableSpec {
  const { id, type, updatedAt, where, match, ...rest } = table;
  return {
    ...rest,
    match,
    ...(id === false ? {} : { id }),
    ...(type === false ? {} : { type }),
    ...(updatedAt === false
      ? {}
      : typeof updatedAt === "string"
        ? { updatedAt }
        : { updatedAt: updatedAt.column, updatedAtUnit: updatedAt.unit }),
    ...(where.length === 0
      ? {}
      : {
          where: where.map(({ value, ...condition }) => ({
            ...condition,
            value,
          })),
        }),
  };
}

function rowSpec(
  namespace: string,
  server: ResolvedServer,
  secrets: Pick<SecretValues, "servers">,
): RowSpec[] {
  const { row } = server;
  if (row === false) return [];
  const { headers, headersFrom } = headersOf(namespace, server, secrets);
  const owns = row.applicationOwns ?? [];
  return [
    {
      key: row.key ?? server.key,
      url: rowUrlOf(namespace, server),
      transport: "streamable-http",
      aliases: row.aliases,
      secretKeys: server.credentialKeys,
      settings: settingsOf(server),
      ...(Object.keys(headers).length === 0 ? {} : { headers }),
      ...(Object.keys(headersFrom).length === 0 ? {} : { headersFrom }),
      ...(owns.length === 0 ? {} : { applicationOwns: owns }),
      keep: row.keep,
      set: row.set,
      seed: row.seed,
    },
  ];
}

/** The server's plain settings, to compare them with those in its old row. */
function settingsOf({ env, args = [] }: ResolvedServer): NonNullable<RowSpec["settings"]> {
  const plain = Object.entries(env).flatMap(([name, value]) =>
    typeof value === "string" ? [[name, value] as const] : [],
  );
  return { env: Object.fromEntries(plain), args };
}

/**
 * Every endpoint that must answer MCP before a row may point to it: the server's own, and its row's if it is
 * another.
 */
export function probeTargets(
  namespace: string,
  servers: readonly ResolvedServer[],
  secrets: Pick<SecretValues, "servers">,
  locks: ToolLocks,
): ServerTarget[] {
  return servers.flatMap((server) => {
    const target = {
      name: server.key,
      url: urlOf(namespace, server),
      auth: server.auth,
      requiredTools: server.requiredTools,
      minTools: server.minTools,
      ...lockOf(locks, server.key),
      answerSeconds: server.requestSeconds,
      ...(server.tls?.ca === undefined ? {} : { caFrom: server.tls.ca }),
      ...targetHeaders(headersOf(namespace, server, secrets)),
    };
    const url = rowUrlOf(namespace, server);
    return url === target.url
      ? [target]
      : [target, { ...target, name: `${server.key} (row.path)`, url }];
  });
}

/** Where the probe runs, and with which identity. */
export function probeSpec(
  settings: StackSettings,
  consumers: readonly ConsumerPosition[],
): ProbeSpec {
  const { probe } = settings;
  const imagePullSecrets = probe.imagePullSecrets ?? settings.imagePullSecrets;
  return {
    from: probe.from,
    namespace: settings.namespace,
    image: probe.image ?? "",
    imagePullSecrets,
    consumers: consumers.map((consumer) => ({ ...consumer })),
    deadlineSeconds: probe.deadlineSeconds,
    ...(settings.network.isolate === "none" ? { isolated: false } : {}),
    ...bundleNeeded(settings),
  };
}

/** The bundle must exist before the rows move: otherwise Studio's pods would only find out later. */
function bundleNeeded({ studio, target }: StackSettings): Pick<ProbeSpec, "needs"> {
  const { enabled, trust } = studio;
  if (!enabled || target !== "in-cluster" || trust === false || trust.ca === undefined) return {};
  return { needs: { "studio.trust.ca": trust.ca } };
}

/** How the cutover reaches the database. */
export function databaseRef(settings: StackSettings): DatabaseRef {
  return { connect: settings.database.connect, tls: settings.database.tls };
}

function urlOf(namespace: string, server: ResolvedServer): string {
  return serviceUrl(server.name, namespace, server.port, server.path, server.tls !== undefined);
}

function rowUrlOf(namespace: string, server: ResolvedServer): string {
  const { row, path } = server;
  return urlOf(namespace, { ...server, path: row === false ? path : (row.path ?? path) });
}
