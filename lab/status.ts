import { existsSync } from "node:fs";

import { serverSelector } from "@mcp-fleet/kube";

import { clusterStatus } from "./cluster";
import { labNamespace } from "./companions";
import { findDatabase } from "./database";
import { placeFile, stackName } from "./engine";
import { openKube } from "./kube";

/** Prints the lab as JSON. The database URL holds the lab's own password: it is for this machine only. */
export async function status(): Promise<void> {
  const [cluster, database] = await Promise.all([clusterStatus(), findDatabase()]);
  const servers = cluster.running ? await mcpServers(cluster.kubeconfig, cluster.context) : [];
  const shown = {
    running: cluster.running,
    cluster,
    kubeconfig: cluster.kubeconfig ?? null,
    databaseUrl: database?.url ?? null,
    stack: existsSync(placeFile) ? stackName : null,
    namespace: labNamespace,
    servers,
  };
  process.stdout.write(`${JSON.stringify(shown, null, 2)}\n`);
}

async function mcpServers(
  kubeconfig: string | undefined,
  context: string | undefined,
): Promise<{ name: string; ready: number; replicas: number }[]> {
  if (kubeconfig === undefined || context === undefined) return [];
  const { apps } = await openKube({ kubeconfig, context });
  const found = await apps.listNamespacedDeployment({
    namespace: labNamespace,
    labelSelector: serverSelector,
  });
  return found.items.map(({ metadata, spec, status: state }) => ({
    name: metadata?.name ?? "",
    ready: state?.readyReplicas ?? 0,
    replicas: spec?.replicas ?? 0,
  }));
}
