import type * as k8s from "@pulumi/kubernetes";

import type {
  AddressTarget,
  ClusterNetwork,
  PodTarget,
  Resources,
  ServiceMeshMember,
  Transform,
} from "../core";
import type { Autoscaling, DisruptionBudget, Exposure, Placement } from "./operations";
import type { SecretSource } from "./secret";
import type { EnvValue, ServerSource } from "./sources";

/** How the kubelet asks whether the process lives. Never `GET` on the MCP path: it answers 405 and leaks sessions. */
export type Health =
  | {
      readonly kind: "http";
      /** Path of the liveness probe, and of the others unless they have their own. */
      readonly path: string;
      readonly startupPath?: string;
      readonly readinessPath?: string;
    }
  | { readonly kind: "tcp" };

/** When a probe asks and how often it may fail; what is left out keeps its default. */
export interface ProbeTimes {
  readonly initialDelaySeconds?: number | undefined;
  readonly periodSeconds?: number | undefined;
  readonly timeoutSeconds?: number | undefined;
  readonly failureThreshold?: number | undefined;
}

/** Timings of the three probes. */
export interface Probes {
  readonly startup?: ProbeTimes | undefined;
  readonly readiness?: ProbeTimes | undefined;
  readonly liveness?: ProbeTimes | undefined;
}

/**
 * Where a server may connect to: nowhere; name servers only; besides, pods of this cluster (those that are named, else
 * those of its own namespace); or besides name servers, public addresses.
 */
export type Egress = "none" | "dns" | "cluster" | "internet";

/** Addresses outside of the cluster that a server may connect to beside its profile. */
export type EgressTarget = AddressTarget;

/** Pods that may call a server, in the server's own namespace. */
export interface Consumer {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Arguments of {@link McpServer}. */
export interface McpServerArgs {
  /** Name of the Deployment, the Service and the ServiceAccount. */
  readonly serviceName: string;
  /** What people and clients call it, where that is not its Service's name. @default `serviceName` */
  readonly key?: string;
  readonly namespace: string;
  /** The application the server belongs to. */
  readonly application: string;
  /** Role of its pods within the application. @default "mcp-server" */
  readonly component?: string;
  readonly source: ServerSource;
  /** Port of the process and of the Service, 1 to 65535. */
  readonly port: number;
  /** Path the server really serves, starting with a slash. */
  readonly path: string;
  readonly health: Health;
  /** How long the first start may take, in seconds. @default 60 */
  readonly startSeconds?: number;
  /** How long a rollout may go on without progress before it fails, image pull included, in seconds. @default 600 */
  readonly rolloutSeconds?: number;
  /** @default every 2 s, 5 s and 10 s; the first for `startSeconds` */
  readonly probes?: Probes;
  readonly env?: Readonly<Record<string, EnvValue>>;
  readonly secret?: SecretSource;
  /** Rolls the pods when it changes, for a Secret whose content is not ours. */
  readonly secretVersion?: string;
  /** Absolute path -> key of the Secret, for a server that reads a credential from a file. */
  readonly files?: Readonly<Record<string, string>>;
  /** With `autoscaling`: how many there are at first. @default 1, or the autoscaler's minimum */
  readonly replicas?: number;
  readonly autoscaling?: Autoscaling;
  /** Only above one replica. */
  readonly disruptionBudget?: DisruptionBudget;
  readonly placement?: Placement;
  /** How long a pod that is going away still serves, in seconds; 0 for not at all. @default 5 */
  readonly preStopSeconds?: number;
  /** How long a pod may take to go, `preStopSeconds` included, in seconds. @default 10 after `preStopSeconds` */
  readonly terminationGraceSeconds?: number;
  /** @default within the cluster only */
  readonly exposure?: Exposure;
  readonly resources?: Resources;
  /** Directories the process writes to, beside `/tmp`. */
  readonly writable?: readonly string[];
  /** User id of the process. @default 65532 */
  readonly user?: number;
  readonly consumers: readonly Consumer[];
  /** @default "dns" */
  readonly egress?: Egress;
  readonly egressTo?: readonly EgressTarget[];
  /** Pods it may call beside that; for `cluster`, instead of those of its own namespace. */
  readonly egressToPods?: readonly PodTarget[];
  /** Where the database is that it reads: addresses, or pods. @default it reads none */
  readonly egressToDatabase?: AddressTarget | PodTarget;
  /** @default the cluster's DNS pods are those of kube-system, and all its own ranges are private ones */
  readonly clusterNetwork?: ClusterNetwork;
  /** Hosts that may be called on port 443, in full or with stars. Needs Cilium: they become a CiliumNetworkPolicy. */
  readonly egressFqdns?: readonly string[];
  /** @default its pods are part of no service mesh, or of the one that their namespace puts them into */
  readonly serviceMesh?: ServiceMeshMember;
  /** Whether NetworkPolicies are made. @default true */
  readonly networkPolicy?: boolean;
  readonly imagePullSecrets?: readonly string[];
  /** Changes a child's arguments last, before the security check. */
  readonly transform?: {
    readonly deployment?: Transform<k8s.apps.v1.DeploymentArgs>;
    readonly service?: Transform<k8s.core.v1.ServiceArgs>;
    readonly serviceAccount?: Transform<k8s.core.v1.ServiceAccountArgs>;
    readonly configMap?: Transform<k8s.core.v1.ConfigMapArgs>;
    readonly secret?: Transform<k8s.core.v1.SecretArgs>;
    /** The ExternalSecret or InfisicalSecret. */
    readonly externalSecret?: Transform<k8s.apiextensions.CustomResourceArgs>;
    readonly networkPolicy?: Transform<k8s.networking.v1.NetworkPolicyArgs>;
    /** The CiliumNetworkPolicy. */
    readonly fqdnPolicy?: Transform<k8s.apiextensions.CustomResourceArgs>;
    readonly autoscaler?: Transform<k8s.autoscaling.v2.HorizontalPodAutoscalerArgs>;
    readonly disruptionBudget?: Transform<k8s.policy.v1.PodDisruptionBudgetArgs>;
  };
}
