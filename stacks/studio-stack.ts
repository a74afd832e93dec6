import { type McpJson, mcpJson } from "@mcp-fleet/client-config";
import { ownValue, type ResolvedServer, trustedAuthority, workloadKind } from "@mcp-fleet/schema";
import * as pulumi from "@pulumi/pulumi";

import { selectorLabels } from "../components/core";
import type { Cutover, IsolationSeen, ProbedServer, ProbeRun } from "../components/cutover";
import { Isolation } from "../components/namespace";
import { McpServer } from "../components/server";
import { Studio, studioAccount, type StudioArgs, studioComponent } from "../components/studio";
import type { StackConfig } from "./config";
import type { ConsumerPosition } from "./cutover-spec";
import { moveRows, settleRows } from "./cutover-stack";
import { externalSecretVersions } from "./external-secrets";
import { failedRolloutHook } from "./failed-rollouts";
import { manage } from "./manager-stack";
import { buildMesh, type MeshUrls } from "./mesh-stack";
import { clusterNetwork, databaseTarget } from "./network";
import { exportChecks, exporterCaller, observe } from "./observability-stack";
import { lockOf } from "./tools-lock";

/** The stack's outputs. */
export interface StackOutputs {
  readonly target: string;
  readonly namespace: string;
  /** URL within the cluster, by server key. */
  readonly servers: Readonly<Record<string, string>>;
  /** URL within the cluster of the registry and of each agent. */
  readonly mesh?: MeshUrls;
  readonly generation?: pulumi.Output<number>;
  readonly counts?: pulumi.Output<Record<string, number>>;
  /** The servers' answers before the last rewrite, for each kind of consumer. */
  readonly probes?: pulumi.Output<readonly ProbedServer[]>;
  /** When and from where they were probed. */
  readonly probeRuns?: pulumi.Output<readonly ProbeRun[]>;
  readonly studioUrl?: string;
  /** URL within the cluster of the resource manager. */
  readonly manager?: string;
  /** Entries for the .mcp.json of a client in the cluster; `mcp-fleet mcp-json` merges them into a file. */
  readonly mcpJson: McpJson;
  /**
   * Whether the cluster enforces the NetworkPolicies, as the last probe found by trying. Absent without
   * policies, and in a rendered stack.
   */
  readonly networkPolicies?: pulumi.Output<IsolationSeen>;
}

/**
 * Builds the stack: namespace, servers, database role, cutover, application, settle. Their order follows from
 * explicit dependencies, and is the same in both directions.
 */
export function buildStack(config: StackConfig): StackOutputs {
  const { settings, secrets } = config;
  const name = settings.application;
  const consumers = consumerPositions(config);

  // An existing namespace may contain foreign pods without policies of their own, so it is not isolated.
  const scope = settings.network.isolate ?? (settings.createNamespace ? "namespace" : "fleet");
  const isolation = new Isolation(name, {
    namespace: settings.namespace,
    application: settings.application,
    createNamespace: settings.createNamespace,
    keepNamespace: keepsData(config),
    scope,
    consumers,
    ...clusterNetwork(config),
  });
  const inNamespace = { dependsOn: [...isolation.ready] };
  const callers = [...consumers, ...exporterCaller(config)];
  const failedRollout = failedRolloutHook(config);
  const servers = config.servers.map(
    (server) =>
      [server.key, mcpServer(config, server, callers, failedRollout, inNamespace)] as const,
  );
  const mesh = buildMesh(config, consumers, inNamespace);
  observe(config, mesh, inNamespace);
  const manager = manage(config, scope, inNamespace);
  const outputs = {
    target: settings.target,
    namespace: settings.namespace,
    servers: Object.fromEntries(servers.map(([key, server]) => [key, server.url])),
    ...(mesh === undefined ? {} : { mesh: mesh.urls }),
    // The engine warns about an undefined output.
    ...(manager === undefined ? {} : { manager: manager.url }),
    mcpJson: mcpJson(servers.map(([name, { url }]) => ({ name, url }))),
  };
  const isClosed = settings.network.isolate !== "none" && !config.kubernetes.rendered;

  const account = ownAccount(config)
    ? studioAccount(settings.studio.name, studioIdentity(config), inNamespace)
    : undefined;
  const before = [
    ...isolation.ready,
    ...servers.flatMap(([, server]) => server.ready),
    ...(account === undefined ? [] : [account]),
  ];
  const moved =
    settings.cutover.enabled && secrets.databaseUrl !== undefined
      ? moveRows(config, secrets.databaseUrl, consumers, new Map(servers), before)
      : undefined;
  if (moved !== undefined) {
    const afterwards = { dependsOn: [...before, moved.cutover] };
    const closed = [
      ...servers.map(([, server]) => server.service),
      ...(manager === undefined ? [] : [manager.service]),
    ];
    exportChecks(config, moved, outputs.servers, closed, afterwards);
  }
  const seen = {
    ...cutoverOutputs(moved?.cutover),
    ...(isClosed ? { networkPolicies: isolationOutput(moved?.cutover) } : {}),
  };
  if (!settings.studio.enabled) return { ...outputs, ...seen };

  const studio = application(config, moved?.cutover, [
    ...before,
    ...(moved === undefined ? [] : [moved.cutover]),
  ]);
  if (moved !== undefined) settleRows(config, moved, studio);
  return { ...outputs, ...seen, studioUrl: studio.url };
}

/** The servers' callers: Studio's web pods first, then those of the stack (executor Jobs, workers). */
function consumerPositions({ settings }: StackConfig): ConsumerPosition[] {
  const web: ConsumerPosition = {
    name: studioComponent,
    labels: selectorLabels({ name: settings.studio.name, component: studioComponent }),
    serviceAccount: settings.studio.serviceAccount ?? settings.studio.name,
    protocols: settings.studio.protocols,
  };
  const listed = settings.consumers.map((consumer) => ({ ...consumer }));
  return settings.studio.enabled ? [web, ...listed] : listed;
}

function mcpServer(
  config: StackConfig,
  server: ResolvedServer,
  consumers: readonly ConsumerPosition[],
  failedRollout: pulumi.ErrorHook | undefined,
  opts: pulumi.ComponentResourceOptions,
): McpServer {
  const { settings, secrets } = config;
  const database = server.database ? databaseTarget(config) : undefined;
  const secretValues = ownValue(secrets.servers, server.key)?.values;
  return new McpServer(
    server.name,
    {
      ...server,
      namespace: settings.namespace,
      application: settings.application,
      consumers,
      secretValues,
      ...(settings.probe.image === undefined ? {} : { gateImage: settings.probe.image }),
      ...lockOf(config.locks, server.key),
      externalSecretVersion: externalSecretVersions(config),
      ...(failedRollout === undefined ? {} : { failedRollout }),
      egressToDatabase: database,
      ...clusterNetwork(config),
      networkPolicy: settings.network.isolate !== "none",
    },
    opts,
  );
}

function application(
  config: StackConfig,
  moved: Cutover | undefined,
  dependsOn: pulumi.Resource[],
): Studio {
  const { settings, secrets } = config;
  const { studio } = settings;
  // The configuration's loader has validated it.
  const image = studio.images?.[settings.target] ?? "";
  return new Studio(
    studio.name,
    {
      ...studioIdentity(config),
      mode: settings.target,
      image,
      port: studio.port,
      replicas: studio.replicas,
      env: studio.env,
      secrets: secrets.studio?.values ?? {},
      generation: moved?.generation ?? 0,
      serviceAccountName: studio.serviceAccount,
      rolloutSeconds: studio.rolloutSeconds,
      resources: studio.resources,
      writable: studio.writable,
      imagePullSecrets: settings.imagePullSecrets,
      trust: studioTrust(config),
      networkPolicy: settings.network.isolate !== "none",
    },
    { dependsOn },
  );
}

/** Claims also stay when a server is disabled for a while (`enabled: false`). */
function keepsData({ settings, servers }: StackConfig): boolean {
  const written = Object.values(settings.servers).map(({ volumes = {} }) => ({ volumes }));
  return [...servers, ...written].some((server) => workloadKind(server) === "StatefulSet");
}

/** A variable that the stack sets itself keeps its value; if it sets all of them, nothing is mounted. */
function studioTrust({ settings, servers, secrets }: StackConfig): StudioArgs["trust"] {
  const { trust, env } = settings.studio;
  const ca = trustedAuthority(settings, servers);
  if (ca === undefined || trust === false) return undefined;
  const own = new Set([...Object.keys(env), ...(secrets.studio?.keys ?? [])]);
  const variables = trust.variables.filter((name) => !own.has(name));
  return variables.length === 0 ? undefined : { ca, variables };
}

function studioIdentity({ settings }: StackConfig): {
  serviceName: string;
  namespace: string;
  application: string;
} {
  return {
    serviceName: settings.studio.name,
    namespace: settings.namespace,
    application: settings.application,
  };
}

function ownAccount({ settings }: StackConfig): boolean {
  return settings.studio.enabled && settings.studio.serviceAccount === undefined;
}

function cutoverOutputs(
  cutover: Cutover | undefined,
): Pick<StackOutputs, "generation" | "counts" | "probes" | "probeRuns"> {
  if (cutover === undefined) return {};
  const { generation, counts, probes, probeRuns } = cutover;
  return { generation, counts, probes, probeRuns };
}

function isolationOutput(cutover: Cutover | undefined): pulumi.Output<IsolationSeen> {
  const untried: IsolationSeen = {
    enforced: "unknown",
    reason: "No run has tried it: mcp-fleet verify --deny does.",
    at: "",
  };
  // Unknown in a preview before the first run, and missing in the state of older releases.
  return pulumi.output(cutover?.isolation).apply((seen) => seen ?? untried);
}
