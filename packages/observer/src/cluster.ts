import {
  type CoreV1Event,
  CustomObjectsApi,
  PatchStrategy,
  setHeaderOptions,
  type V1Pod,
} from "@kubernetes/client-node";
import { connectKube, partOfLabel, statusOf, type Workload } from "@mcp-fleet/kube";

import type { AgentObject, AgentStatus } from "./agents";

const group = { group: "mesh.mcp.io", version: "v1", plural: "mcpagents" };

/** What the observer reads from Kubernetes, in one namespace. */
export interface ClusterView {
  /** Deployments and StatefulSets, each with its kind. */
  workloads(): Promise<Workload[]>;
  pods(): Promise<V1Pod[]>;
  /** Events that say why a StatefulSet creates no pod. */
  creationEvents(): Promise<CoreV1Event[]>;
  agents(): Promise<AgentObject[]>;
  setStatus(name: string, status: AgentStatus): Promise<void>;
}

/** The cluster the process runs in, else the current context of the kubeconfig. */
export async function openCluster(namespace: string, application: string): Promise<ClusterView> {
  const { config, core, apps } = await connectKube({}, {});
  const custom = config.makeApiClient(CustomObjectsApi);
  const ours = { namespace, labelSelector: `${partOfLabel}=${application}` };
  return {
    workloads: async () => {
      const [deployments, statefulSets] = await Promise.all([
        apps.listNamespacedDeployment(ours),
        ifAllowed(apps.listNamespacedStatefulSet(ours)),
      ]);
      return [
        ...deployments.items,
        ...statefulSets.items.map((one): Workload => ({ ...one, kind: "StatefulSet" })),
      ];
    },
    pods: async () => (await core.listNamespacedPod(ours)).items,
    creationEvents: async () => {
      const fieldSelector = "reason=FailedCreate,involvedObject.kind=StatefulSet";
      return (await ifAllowed(core.listNamespacedEvent({ namespace, fieldSelector }))).items;
    },
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

/** Empty where the account has the rights of an earlier release, which did not know StatefulSets. */
async function ifAllowed<T extends { items: unknown[] }>(
  asked: Promise<T>,
): Promise<T | { items: [] }> {
  try {
    return await asked;
  } catch (error) {
    if (statusOf(error) !== 403) throw error;
    return { items: [] };
  }
}
