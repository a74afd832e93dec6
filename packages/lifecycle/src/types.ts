/**
 * What a server's replicas say, as seed 004 defines it; the first that holds:
 *
 * - `stopped`: no replica is wanted
 * - `running`: as many replicas are ready as are wanted
 * - `pending`: none is ready yet
 * - `scaling`: any other number of replicas is there, or ready, than is wanted
 *
 * `degraded` is found by a probe only: pods are ready, and MCP does not answer.
 */
export type ServerState = "running" | "stopped" | "scaling" | "pending" | "degraded";

/** One line of the list. */
export interface McpServerSummary {
  /** The Deployment's name. */
  readonly name: string;
  readonly namespace: string;
  readonly status: ServerState;
  /** Wanted. */
  readonly replicas: number;
  readonly readyReplicas: number;
  /** See {@link endpointsOf}. */
  readonly endpoints: readonly string[];
  /** What the server answered; with a probe only, and only when pods are ready. */
  readonly probe?: ProbeAnswer;
}

/** What one server answered to `initialize` and `tools/list`, asked through its Service's ready pod. */
export interface ProbeAnswer {
  readonly ok: boolean;
  /** One sentence. */
  readonly message: string;
  readonly protocolVersion?: string;
  readonly tools?: readonly string[];
  /** In milliseconds, the way through the Kubernetes API included. */
  readonly latencyMs?: number;
}

/** A condition of the Deployment, as Kubernetes reports it. */
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
  readonly image: string;
  readonly conditions: readonly ServerCondition[];
  /**
   * When Kubernetes last saw the server change: the latest update of a condition of its Deployment, else its
   * creation. ISO 8601. It says nothing of requests: Kubernetes does not see them.
   */
  readonly lastActivity?: string;
  /** Where {@link lastActivity} is from: `condition Available`, or `creation`. */
  readonly lastActivityFrom?: string;
  /** What keeps its pods from being ready, in words of the cluster. Empty when nothing looks wrong. */
  readonly troubles: readonly string[];
}

/** What a command changed. */
export interface Change {
  readonly name: string;
  readonly namespace: string;
  /** Wanted replicas before. */
  readonly before: number;
  /** Wanted replicas now. */
  readonly after: number;
  /** False when the server was already as asked for. */
  readonly changed: boolean;
  readonly status: ServerState;
  readonly readyReplicas: number;
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
