import type { SurveyedTable } from "@mcp-fleet/row-cutover";

import type { ClusterSketch } from "./look";
import { chooseServers, placeholderRegistry } from "./servers";
import { comment, decide, flow, scalar } from "./yaml";

/** The input of a new stack file. */
export interface DraftInput {
  readonly found: SurveyedTable;
  /** Absent where no cluster was inspected. */
  readonly cluster?: ClusterSketch;
  /** The application's namespace, where the cluster does not show it. */
  readonly namespace: string;
  readonly tls: "verify-full" | "verify-ca" | "disable";
}

/** A stack file, and what must be set besides it. */
export interface Draft {
  readonly text: string;
  /** Configuration keys to set as secrets, for `--path`. */
  readonly secrets: readonly string[];
  readonly servers: readonly string[];
  readonly deferred: readonly string[];
}

/** The table of llmctl-studio, which the program deploys by itself. */
export function isStudio({ spec }: Pick<SurveyedTable, "spec">): boolean {
  const { table, key, match, config, type } = spec;
  return (
    table === "mcp_servers" &&
    match === undefined &&
    key.join() === "server_key" &&
    config === "config_json" &&
    type?.column === "server_type"
  );
}

/**
 * A stack file with everything that is known, and a comment at each place that a person must decide. The program
 * accepts it once its secrets are set.
 */
export function draftStack(input: DraftInput): Draft {
  const { found } = input;
  const studio = isStudio(found);
  const { lines, deferred, secrets, keys } = chooseServers(found);
  const stays = [...deferred, ...(studio ? ["google-workspace"] : [])];
  return {
    servers: keys,
    deferred,
    secrets: ["databaseUrl", ...(studio ? ["studioSecrets.DATABASE_URL"] : []), ...secrets],
    text: [
      ...comment(
        0,
        "Written by mcp-fleet init. Look for DECIDE; what has no such mark was read from database and cluster.",
      ),
      "config:",
      ...placeLines(input),
      ...decide(
        2,
        "in-cluster moves the rows with the first update; embedded deploys the servers and moves none.",
      ),
      "  mcp-fleet:target: in-cluster",
      ...(keys.length === 0 && lines.length === 0
        ? ["  mcp-fleet:servers: {}"]
        : keys.length === 0
          ? [...lines, "  mcp-fleet:servers: {}"]
          : ["  mcp-fleet:servers:", ...lines]),
      ...(stays.length === 0 ? [] : [`  mcp-fleet:deferred: ${flow(stays)}`]),
      ...(studio ? [] : ["  mcp-fleet:deferred: []"].filter(() => stays.length === 0)),
      ...cutoverLines(found, studio),
      ...databaseLines(input),
      ...applicationLines(input, studio),
      "  mcp-fleet:probe:",
      ...decide(4, "the image built from images/probe, pinned."),
      `    image: ${placeholderRegistry}/mcp-fleet/probe:0.0.0`,
      "",
    ].join("\n"),
  };
}

function placeLines({ cluster, namespace }: DraftInput): string[] {
  if (cluster === undefined) {
    return [
      ...decide(2, "no cluster was looked at: its context and the application's namespace."),
      `  mcp-fleet:namespace: ${scalar(namespace)}`,
    ];
  }
  const { context, uid, namespaceExists, application, unseen } = cluster;
  return [
    `  kubernetes:context: ${scalar(context)}`,
    ...(application === undefined
      ? decide(2, "the application was not found in the cluster; is this its namespace?")
      : []),
    `  mcp-fleet:namespace: ${scalar(cluster.namespace)}`,
    ...(namespaceExists === true ? ["  mcp-fleet:createNamespace: false"] : []),
    ...(namespaceExists === true
      ? [
          ...comment(
            2,
            "Only what is made here is closed by NetworkPolicies; the namespace's other pods stay as they are.",
          ),
          "  mcp-fleet:network: { isolate: fleet }",
        ]
      : []),
    "  mcp-fleet:allowed:",
    `    contexts: ${flow([context])}`,
    ...(uid === undefined ? [] : [`    clusters: ${flow([uid])}`]),
    `    namespaces: ${flow([cluster.namespace])}`,
    ...unseen.flatMap((problem) => comment(2, `Not seen: ${problem}`)),
  ];
}

function cutoverLines(
  { spec, type, listsIds, others, doubts, more }: SurveyedTable,
  studio: boolean,
): string[] {
  const {
    schema,
    table,
    key,
    match,
    id,
    config,
    type: own,
    updatedAt,
    updatedAtUnit,
    where = [],
  } = spec;
  return [
    "  mcp-fleet:cutover:",
    ...(studio
      ? []
      : [
          ...comment(
            4,
            "The fence is removed after the rollout of an application that this stack deploys; here old pods of the application must be gone before the update.",
          ),
          "    fence: false",
        ]),
    ...doubts.flatMap((doubt) => decide(4, doubt)),
    ...(more ? comment(4, "There are more rows than were read.") : []),
    "    table:",
    `      schema: ${scalar(schema)}`,
    `      table: ${scalar(table)}`,
    `      key: ${flow(key)}`,
    ...(match === undefined ? [] : [`      match: ${scalar(match)}`]),
    `      id: ${id === undefined ? "false" : scalar(id)}`,
    `      config: ${scalar(config)} # ${type}`,
    own === undefined
      ? "      type: false"
      : `      type: { column: ${scalar(own.column)}, value: ${JSON.stringify(own.value)} }`,
    updatedAt === undefined
      ? "      updatedAt: false"
      : updatedAtUnit === undefined
        ? `      updatedAt: ${scalar(updatedAt)}`
        : `      updatedAt: { column: ${scalar(updatedAt)}, unit: ${updatedAtUnit} }`,
    ...(where.length === 0
      ? []
      : [
          "      where:",
          ...where.map(
            ({ column, operator }) =>
              `        - { column: ${scalar(column)}, operator: ${JSON.stringify(operator)} }`,
          ),
        ]),
    ...(listsIds && studio ? [] : ["    softReferences: []"]),
    ...(others.length === 0
      ? []
      : [
          ...decide(
            4,
            "these rows contain no configuration of a server; correct or delete them, or leave them out:",
          ),
          `    skip: ${flow([...new Set(others)])}`,
        ]),
  ];
}

function databaseLines({ cluster, tls }: DraftInput): string[] {
  const services = cluster?.databases ?? [];
  const [service] = services;
  return [
    "  mcp-fleet:database:",
    ...(service === undefined || cluster === undefined
      ? []
      : decide(
          4,
          `connect: direct takes the address in databaseUrl, as this machine reached it; through the cluster it is { portForward: { namespace: ${cluster.namespace}, service: ${service}, port: 5432 } }.`,
        )),
    "    connect: direct",
    `    tls: ${tls}`,
  ];
}

function applicationLines({ cluster }: DraftInput, studio: boolean): string[] {
  if (!studio) {
    return [
      ...decide(
        2,
        "the pods that call the servers, by their labels: they are let in, and probed from.",
      ),
      "  mcp-fleet:consumers:",
      "    - name: application",
      "      labels: { app.kubernetes.io/name: application }",
      "  mcp-fleet:studio: { enabled: false }",
    ];
  }
  const application = cluster?.application;
  const placeholder = `${placeholderRegistry}/llmctl/llmctl-studio`;
  const embedded = application?.image ?? `${placeholder}:0.0.0`;
  const pullSecrets = application?.pullSecrets ?? [];
  return [
    ...decide(
      2,
      "other pods that call the servers, such as executor Jobs and workers, by their labels.",
    ),
    "  mcp-fleet:consumers: []",
    ...(pullSecrets.length === 0 ? [] : [`  mcp-fleet:imagePullSecrets: ${flow(pullSecrets)}`]),
    "  mcp-fleet:studio:",
    "    images:",
    ...(application === undefined
      ? decide(6, "the application's image with its servers bundled.")
      : decide(
          6,
          `what Deployment ${application.name} runs now, and what a rollback runs; is it the one with its servers bundled?`,
        )),
    `      embedded: ${JSON.stringify(embedded)}`,
    ...decide(6, "its image without them."),
    `      in-cluster: ${placeholder}:0.0.1`,
  ];
}
