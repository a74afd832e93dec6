import type { LastWords, WorkloadKind } from "@mcp-fleet/kube";

/**
 * What a server's replicas say; the first that holds:
 *
 * - `stopped`: no replica is wanted
 * - `running`: as many replicas are ready as are wanted, all on the newest template
 * - `failed`: it cannot get there as things are. A pod cannot be made, scheduled or started, its image cannot be pulled, it
 *   crashes again and again, or the rollout's time is over. Pods of before may serve all the same
 * - `pending`: none is ready yet
 * - `updating`: pods of an earlier template are still there
 * - `scaling`: any other number of replicas is there, or ready, than is wanted
 *
 * `degraded` is found by a probe only: pods are ready, and MCP does not answer. Seed 004 has no `failed` and no
 * `updating`: a rollout that hangs looks healthy by its numbers alone.
 */
export type ServerState =
  "running" | "stopped" | "scaling" | "pending" | "updating" | "failed" | "degraded";

/** One line of the list. */
export interface McpServerSummary {
  /** Its key in the stack, else its workload's name. Every function takes it, and the names below too. */
  readonly name: string;
  readonly namespace: string;
  readonly kind: WorkloadKind;
  /** Name of its Deployment or StatefulSet. */
  readonly workload: string;
  /** The Services that select its pods; the first is the one to call. */
  readonly services: readonly string[];
  readonly status: ServerState;
  /** Why it is not `running`, in words of the cluster; absent for `running` and `stopped`. */
  readonly reason?: string;
  /** Wanted. */
  readonly replicas: number;
  readonly readyReplicas: number;
  /** Of the ports that carry MCP: see `endpointsOf` of packages/kube. */
  readonly endpoints: readonly string[];
  /** Where clients in the cluster call it; not there where no Service of it carries MCP. */
  readonly url?: string;
  /** What is in the way of reaching or changing it: a paused rollout, an autoscaler, a Service that leads elsewhere. */
  readonly obstacles: readonly string[];
  /** What the server answered; with a probe only, and only when pods are ready. */
  readonly probe?: ProbeAnswer;
}

/** What one server answered to `initialize` and `tools/list`, asked at a ready pod of it. */
export interface ProbeAnswer {
  readonly ok: boolean;
  /** One sentence. */
  readonly message: string;
  readonly protocolVersion?: string;
  readonly tools?: readonly string[];
  /** In milliseconds, the way through the Kubernetes API included. */
  readonly latencyMs?: number;
}

/** A condition of the Deployment, as Kubernetes reports it; a StatefulSet has none. */
export interface ServerCondition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  /** ISO 8601. */
  readonly lastUpdate?: string;
}

/** Everything about one server. */
export interface McpServerStatus extends McpServerSummary {
  readonly availableReplicas: number;
  readonly updatedReplicas: number;
  /** Of the newest template; what the pods that serve run is in {@link serving}. */
  readonly image: string;
  /** Images of the pods that are ready now, with how many run each. */
  readonly serving: readonly { readonly image: string; readonly pods: number }[];
  readonly conditions: readonly ServerCondition[];
  /**
   * When Kubernetes last saw the server change: the latest update of a condition of its Deployment, else its
   * creation, which is all that a StatefulSet tells. ISO 8601. It says nothing of requests: Kubernetes does not see them.
   */
  readonly lastActivity?: string;
  /** Where {@link lastActivity} is from: `condition Available`, or `creation`. */
  readonly lastActivityFrom?: string;
  /** What keeps its pods from being ready, in words of the cluster. Empty when nothing looks wrong. */
  readonly troubles: readonly string[];
  /** The end of what the containers printed that fail, or are waited for; cleaned, and what looks like a credential masked. */
  readonly lastLines: readonly LastWords[];
}

/** What a command changed. */
export interface Change {
  /** Its key in the stack, else its workload's name. */
  readonly name: string;
  readonly namespace: string;
  readonly kind: WorkloadKind;
  /** Name of its Deployment or StatefulSet. */
  readonly workload: string;
  /** Wanted replicas before. */
  readonly before: number;
  /** Wanted replicas now. */
  readonly after: number;
  /** False when the server was already as asked for. */
  readonly changed: boolean;
  readonly status: ServerState;
  readonly readyReplicas: number;
  /** What may undo the change, or holds it up. */
  readonly obstacles: readonly string[];
  /** Pods that were ended without their grace period. */
  readonly killedPods?: readonly string[];
}

/** How long and how visibly to wait. */
export interface WaitOptions {
  /** In seconds. @default 300 */
  readonly timeoutSeconds?: number;
  /** How long the API server may be away before the wait ends, in seconds. @default 15 */
  readonly awaySeconds?: number;
  /** Ends the wait early with the signal's reason; what was asked of the cluster stays asked. */
  readonly signal?: AbortSignal;
  /** Called with what is still awaited whenever that changes. */
  readonly onProgress?: (waitingFor: string) => void;
}
