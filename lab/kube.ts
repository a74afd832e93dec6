import {
  KubeConfig,
  type KubernetesObject,
  KubernetesObjectApi,
  PatchStrategy,
} from "@kubernetes/client-node";
import { timeLimit, UserError } from "@mcp-fleet/errors";
import {
  connectKube,
  follow,
  type Kube as KubeApi,
  unreadyReason,
  watchedWorkload,
  type Workload,
} from "@mcp-fleet/kube";

/** The field manager of what the lab itself applies: never the program's own. */
const fieldManager = "mcp-fleet-lab";

/** What the lab asks of a cluster, apart from what the program deploys. */
export interface Kube extends KubeApi {
  /** Server-side apply of each object, in order. @param manager whose fields they are. @default the lab's */
  apply(objects: readonly KubernetesObject[], manager?: string): Promise<void>;
  /** GET on a Service through the API server, so that it works from any machine that reaches the API. */
  getService(namespace: string, service: string, port: number, path: string): Promise<unknown>;
  /** Waits until every replica of a Deployment is available. */
  waitForDeployment(namespace: string, name: string, timeoutSeconds: number): Promise<void>;
}

/** Where a cluster is. */
interface ClusterRef {
  /** Path of its kubeconfig. */
  readonly kubeconfig: string;
  readonly context: string;
}

/** For what {@link Kube} has no part: the client library's own way to a cluster. */
export function kubeConfigOf({ kubeconfig, context }: ClusterRef): KubeConfig {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  config.setCurrentContext(context);
  return config;
}

/** Opens a cluster by its kubeconfig file. */
export async function openKube({ kubeconfig, context }: ClusterRef): Promise<Kube> {
  const kube = await connectKube({ context }, { kubeconfig });
  const objects = kube.config.makeApiClient(KubernetesObjectApi);
  return {
    ...kube,
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
      const answer: unknown = await kube.core.connectGetNamespacedServiceProxyWithPath({
        name: `${service}:${port}`,
        namespace,
        path: path.replace(/^\//, ""),
      });
      return typeof answer === "string" ? parseJson(answer) : answer;
    },
    async waitForDeployment(namespace, name, timeoutSeconds) {
      const signal = timeLimit(timeoutSeconds);
      const ref = { kind: "Deployment", namespace, name } as const;
      const ready = ([found]: readonly Workload[]): true | undefined =>
        found !== undefined && unreadyReason(found) === undefined ? true : undefined;
      await follow(kube, watchedWorkload(kube, ref), ready, { signal }).catch((error: unknown) => {
        if (!signal.aborted) throw error;
        throw new UserError(
          `Deployment ${name} in namespace ${namespace} was not available within ${timeoutSeconds} seconds.`,
          `Look at its pods: kubectl --kubeconfig ${kubeconfig} -n ${namespace} describe pods`,
        );
      });
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
