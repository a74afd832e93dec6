import { workloadKind } from "@mcp-fleet/schema";
import * as pulumi from "@pulumi/pulumi";

import { defaultRolloutSeconds } from "../components/core";
import {
  Cutover,
  type CutoverArgs,
  type CutoverCredentials,
  type ServerRollout,
  Settle,
} from "../components/cutover";
import { CutoverDatabase } from "../components/database";
import type { McpServer } from "../components/server";
import type { Studio } from "../components/studio";
import { runMeta } from "./commit";
import type { StackConfig } from "./config";
import {
  type ConsumerPosition,
  cutoverSpec,
  databaseRef,
  probeSpec,
  probeTargets,
} from "./cutover-spec";
import { showRowPlan } from "./row-plan";
import { toolVersion } from "./version";

/** The cutover with what Settle needs from it. */
export interface Moved extends Pick<CutoverArgs, "spec" | "probe" | "targets"> {
  readonly cutover: Cutover;
  readonly credentials?: pulumi.Output<CutoverCredentials>;
}

/** The rewrite of the rows, after everything in `before`, with a database role of its own if configured. */
export function moveRows(
  config: StackConfig,
  databaseUrl: pulumi.Output<string>,
  consumers: readonly ConsumerPosition[],
  deployed: ReadonlyMap<string, McpServer>,
  before: readonly pulumi.Resource[],
): Moved {
  const { settings, servers, secrets, locks } = config;
  const stack = `${pulumi.getProject()}/${pulumi.getStack()}`;
  const spec = cutoverSpec(stack, settings, servers, secrets);
  const seeds = spec.rows.some((row) => row.seed !== undefined);
  const database = managedDatabase(config, databaseUrl, seeds);
  const given = database?.databaseUrl ?? (secrets.databaseIsShared ? databaseUrl : undefined);
  const credentials = given?.apply((url) => ({ databaseUrl: url }));
  const args = {
    target: settings.target,
    spec,
    meta: runMeta(stack, toolVersion),
    probe: probeSpec(settings, consumers),
    targets: probeTargets(settings.namespace, servers, secrets, locks),
    servers: serverRollouts(config, deployed),
    kubernetes: kubeRef(config),
    database: databaseRef(settings),
    credentials,
  };
  const resource = new Cutover(`${settings.application}-rows`, args, {
    dependsOn: [...before, ...(database?.ready ?? [])],
  });
  showRowPlan(config, args, databaseUrl, resource);
  const { probe, targets } = args;
  return {
    cutover: resource,
    spec,
    probe,
    targets,
    credentials,
  };
}

function serverRollouts(
  { settings, servers }: StackConfig,
  deployed: ReadonlyMap<string, McpServer>,
): pulumi.Output<ServerRollout[]> {
  return pulumi.all(
    servers.flatMap((server) => {
      const { rolloutSeconds = defaultRolloutSeconds } = server;
      const made = deployed.get(server.key);
      if (made === undefined) return [];
      return made.workload.metadata.apply(({ name, generation }): ServerRollout => ({
        ...{ namespace: settings.namespace, generation, rolloutSeconds },
        ...(workloadKind(server) === "StatefulSet" ? { statefulSet: name } : { deployment: name }),
      }));
    }),
  );
}

function managedDatabase(
  { settings }: StackConfig,
  adminUrl: pulumi.Output<string>,
  seeds: boolean,
): CutoverDatabase | undefined {
  const { manage, tls } = settings.database;
  if (manage === undefined) return undefined;
  const { schema, table, id } = settings.cutover.table;
  const references = settings.cutover.softReferences.map((reference) => reference.table);
  const tables = [...new Set([table, ...manage.tables, ...references])];
  const sequences = manage.sequences ?? (seeds && id !== false ? [`${table}_${id}_seq`] : []);
  return new CutoverDatabase(`${settings.application}-database`, {
    adminUrl,
    adminKey: "mcp-fleet:databaseUrl",
    role: manage.role,
    memberOf: manage.memberOf,
    tables: tables.map((one) => ({ schema, table: one })),
    sequences: sequences.map((one) => ({ schema, sequence: one })),
    tls,
  });
}

/** The end of the rollout, after the application's Deployment and Service. */
export function settleRows(config: StackConfig, moved: Moved, studio: Studio): Settle {
  const { settings } = config;
  return new Settle(
    `${settings.application}-settle`,
    {
      generation: moved.cutover.generation,
      runId: moved.cutover.runId,
      spec: moved.spec,
      probe: moved.probe,
      // With its own servers back, the application calls none of them.
      targets: settings.target === "in-cluster" ? moved.targets : [],
      toolVersion,
      kubernetes: kubeRef(config),
      database: databaseRef(settings),
      workloads: [{ namespace: settings.namespace, deployment: settings.studio.name }],
      deadlineSeconds: settings.cutover.settleSeconds,
      credentials: moved.credentials,
    },
    { dependsOn: [studio.deployment, studio.service] },
  );
}

function kubeRef({ kubernetes }: StackConfig): { context?: string } {
  return kubernetes.context === undefined ? {} : { context: kubernetes.context };
}
