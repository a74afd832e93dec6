import {
  AppsV1Api,
  CoreV1Api,
  KubeConfig,
  type KubernetesObject,
  KubernetesObjectApi,
  PatchStrategy,
} from "@kubernetes/client-node";
import { UserError } from "@mcp-fleet/errors";

/** The field manager of what the lab itself applies: never the program's own. */
const fieldManager = "mcp-fleet-lab";

/** What the lab needs from a cluster, apart from what the program deploys. */
export interface Kube {
  readonly core: CoreV1Api;
  readonly apps: AppsV1Api;
  /**
   * Server-side apply of each object, in order.
   * @param manager the field manager. @default the lab's
   */
  apply(objects: readonly KubernetesObject[], manager?: string): Promise<void>;
  /** GET on a Service through the API server, so that it works from any machine that reaches the API. */
  getService(namespace: string, service: string, port: number, path: string): Promise<unknown>;
  /** Waits until every replica of a Deployment is available. */
  waitForDeployment(namespace: string, name: string, timeoutSeconds: number): Promise<void>;
}

/** Opens a cluster by its kubeconfig file. */
export function openKube(kubeconfig: string, context: string): Kube {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  config.setCurrentContext(context);
  const objects = KubernetesObjectApi.makeApiClient(config);
  const core = config.makeApiClient(CoreV1Api);
  const apps = config.makeApiClient(AppsV1Api);

  return {
    core,
    apps,
    async apply(list, manager = fieldManager) {
      for (const object of list) {
        await objects.patch(
          object,
          undefined,
          undefined,
          manager,
          true,
          PatchStrategy.ServerSideApply,
        );
      }
    },
    async getService(namespace, service, port, path) {
      const answer: unknown = await core.connectGetNamespacedServiceProxyWithPath({
        name: `${service}:${port}`,
        namespace,
        path: path.replace(/^\//, ""),
      });
      return typeof answer === "string" ? parseJson(answer) : answer;
    },
    async waitForDeployment(namespace, name, timeoutSeconds) {
      const deadline = Date.now() + timeoutSeconds * 1000;
      for (;;) {
        const { spec, status, metadata } = await apps.readNamespacedDeployment({ name, namespace });
        const wanted = spec?.replicas ?? 1;
        const current = status?.observedGeneration === metadata?.generation;
        const updated = status?.updatedReplicas ?? 0;
        // During a rollout, old pods count as available too.
        const only = updated >= wanted && (status?.replicas ?? 0) === updated;
        if (current && only && (status?.availableReplicas ?? 0) >= wanted) return;
        if (Date.now() > deadline) {
          throw new UserError(
            `Deployment ${name} in namespace ${namespace} was not available within ${timeoutSeconds} seconds.`,
            `Look at its pods: kubectl --kubeconfig ${kubeconfig} -n ${namespace} describe pods`,
          );
        }
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
    },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
