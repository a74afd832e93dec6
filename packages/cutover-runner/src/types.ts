import type { ObjectKey, PortForwardRef } from "@mcp-fleet/kube";
import type { ProbeTarget } from "@mcp-fleet/mcp-probe";
import type { CutoverSpec, HeaderSource, RunMeta, Target } from "@mcp-fleet/row-cutover";

/** Where the application runs one kind of its processes, and so where a probe must come from. */
export interface Consumer {
  /** Short name for messages and object names, such as `web` or `executor`. */
  readonly name: string;
  /** The pod labels of this kind of process: NetworkPolicies choose by them. */
  readonly labels: Readonly<Record<string, string>>;
  /** @default the namespace's default service account */
  readonly serviceAccount?: string;
  /** MCP protocol versions that this kind of process speaks. @default the probe's: those with a handshake */
  readonly protocols?: readonly string[];
}

/** A server to ask, with what of it is kept in the cluster: who asks reads it, and no state holds it. */
export interface ServerTarget extends Omit<ProbeTarget, "ca" | "serverName"> {
  /** The authority that signed its certificate: of the application's namespace, or a file. @default a public one */
  readonly caFrom?: ObjectKey | { readonly file: string };
  /** Header name -> where its value is kept. */
  readonly headersFrom?: Readonly<Record<string, KeptHeader>>;
}

/** A header's value that is in no state. */
export type KeptHeader = Exclude<HeaderSource, { stack: string }>;

/** How the servers are probed before rows are written. */
export interface ProbeSpec {
  /** `cluster`: one Job for each consumer. `here`: from this process, for networks that reach the Services. */
  readonly from: "cluster" | "here";
  /** The application's namespace: the Jobs run there. */
  readonly namespace: string;
  /** The image with the `mcp-probe` command. Needed with `from: "cluster"`. */
  readonly image?: string;
  readonly imagePullSecrets?: readonly string[];
  readonly consumers: readonly Consumer[];
  /** How long each server may take to pass, in seconds. @default the probe's */
  readonly deadlineSeconds?: number;
  /** Whether the results have the definitions of the tools. @default false */
  readonly definitions?: boolean;
  /** Whether NetworkPolicies are to keep others away from the servers, so that a run tries that. @default true */
  readonly isolated?: boolean;
  /** What the application's new pods mount, by the configuration key that names it: without it none of them starts. */
  readonly needs?: Readonly<Record<string, ObjectKey>>;
}

/** Which cluster. The kubeconfig itself is a credential: {@link Credentials.kubeconfig}. */
export interface KubeRef {
  /** @default the kubeconfig's current context */
  readonly context?: string;
}

/** How the database is reached. */
export interface DatabaseRef {
  /** `direct`: at the address in the DSN. */
  readonly connect: "direct" | { readonly portForward: PortForwardRef };
  /** What is checked of the server's certificate; wins over `sslmode` in the DSN. @default "verify-full" */
  readonly tls?: "verify-full" | "verify-ca" | "disable";
}

/** Secrets of one run. They go into no output, no message and no state. */
export interface Credentials {
  /** `postgresql://user:password@host:port/database` */
  readonly databaseUrl: string;
  /** Content of a kubeconfig, or the path of one. @default KUBECONFIG, else ~/.kube/config */
  readonly kubeconfig?: string;
}

/** Everything {@link runCutoverStep} needs to know; safe to store once headers are marked secret. */
export interface CutoverInputs {
  readonly target: Target;
  readonly spec: CutoverSpec;
  readonly meta: RunMeta;
  readonly probe: ProbeSpec;
  readonly targets: readonly ServerTarget[];
  /** A hash of what the targets are held to: another one makes a run. @default nothing */
  readonly toolsLock?: string;
  /** The servers' workloads, whose rollouts have to be over before anything is asked. @default [] */
  readonly servers?: readonly ServerRollout[];
  readonly kubernetes: KubeRef;
  readonly database: DatabaseRef;
}

/** A server's Deployment or StatefulSet, by its name. */
export type ServerRollout = Rollout &
  ({ readonly deployment: string } | { readonly statefulSet: string });

interface Rollout {
  readonly namespace: string;
  /** `metadata.generation` after the engine applied it. */
  readonly generation?: number;
  /** How long its rollout may take, in seconds. */
  readonly rolloutSeconds: number;
}

/** One server as one consumer saw it. */
export interface ProbedServer {
  readonly name: string;
  /** The consumer it was asked for; `here` when this process asked. */
  readonly consumer: string;
  readonly outcome: string;
  /** The version that the two agreed on. Empty when the server keeps its tools for clients with credentials. */
  readonly protocolVersion: string;
  /** How many tools it listed. */
  readonly tools: number;
}

/** When and where one consumer's probe ran. Times are ISO 8601, by the cluster's clock for a Job. */
export interface ProbeRun {
  readonly consumer: string;
  /** Name of the Job; empty when this process asked. */
  readonly job: string;
  readonly startedAt: string;
  readonly completedAt: string;
}

/** What a run leaves in state: no row content, no DSN, no secret. */
export interface CutoverOutputs {
  readonly generation: number;
  readonly runId: string;
  readonly planHash: string;
  readonly target: Target;
  readonly counts: Readonly<Record<string, number>>;
  /** ISO 8601, by the database's clock; empty before the first cutover. */
  readonly committedAt: string;
  /** Empty when nothing was written or the target is `embedded`. */
  readonly probes: readonly ProbedServer[];
  readonly probeRuns: readonly ProbeRun[];
  /** What the last run that asked the servers from the cluster found. */
  readonly isolation?: IsolationSeen;
}

/** Everything {@link runSettleStep} needs to know. */
export interface SettleInputs {
  /** The generation that the application's pods must carry. */
  readonly generation: number;
  /** The run that wrote it; the settling belongs to its trace. @default a run of its own */
  readonly runId?: string;
  readonly spec: CutoverSpec;
  readonly database: DatabaseRef;
  readonly kubernetes: KubeRef;
  /** The servers the rows point at, asked once more. State of release 0.1.0 has none. @default [] */
  readonly targets?: readonly ServerTarget[];
  /** Needed with `targets`. */
  readonly probe?: ProbeSpec;
  /** The application's Deployments that read the rows. */
  readonly workloads: readonly { readonly namespace: string; readonly deployment: string }[];
  /** How long to wait for the last old pod, in seconds. @default 600 */
  readonly deadlineSeconds?: number;
}

/** Whether NetworkPolicies do anything, as an attempt showed. */
export interface IsolationSeen {
  readonly enforced: "yes" | "no" | "unknown";
  /** What the attempt showed, in a sentence. */
  readonly reason: string;
  /** When it was made, ISO 8601. */
  readonly at: string;
}
