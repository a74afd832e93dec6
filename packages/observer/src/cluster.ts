import {
  AppsV1Api,
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  PatchStrategy,
  setHeaderOptions,
  type V1Deployment,
  type V1Pod,
} from "@kubernetes/client-node";

import type { AgentObject, AgentStatus } from "./agents";

const group = { group: "mesh.mcp.io", version: "v1", plural: "mcpagents" };

/** What the observer asks of Kubernetes, in one namespace. */
export interface ClusterView {
  deployments(): Promise<V1Deployment[]>;
  pods(): Promise<V1Pod[]>;
  agents(): Promise<AgentObject[]>;
  setStatus(name: string, status: AgentStatus): Promise<void>;
}

/** The cluster the process runs in, else the current context of the kubeconfig. */
export function openCluster(namespace: string, application: string): ClusterView {
  const config = new KubeConfig();
  config.loadFromDefault();
  const core = config.makeApiClient(CoreV1Api);
  const apps = config.makeApiClient(AppsV1Api);
  const custom = config.makeApiClient(CustomObjectsApi);
  const ours = { namespace, labelSelector: `app.kubernetes.io/part-of=${application}` };
  return {
    deployments: async () => (await apps.listNamespacedDeployment(ours)).items,
    pods: async () => (await core.listNamespacedPod(ours)).items,
    agents: async () => {
      const found = (await custom.listNamespacedCustomObject({ ...group, namespace })) as {
        items: AgentObject[];
      };
      return found.items;
    },
    setStatus: async (name, status) => {
      await custom.patchNamespacedCustomObjectStatus(
        { ...group, namespace, name, body: { status } },
        setHeaderOptions("Content-Type", PatchStrategy.MergePatch),
      );
    },
  };
}
