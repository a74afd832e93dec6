import type { ToolLock } from "@mcp-fleet/mcp-probe";
import type { ServerInput, ServerSettings } from "@mcp-fleet/schema";
import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import type {
  AddressTarget,
  ClusterNetwork,
  PodTarget,
  ServiceMeshMember,
  Transform,
} from "../core";

/** Pods that may call a server, in the server's own namespace. */
export interface Consumer {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** A Secret that an operator makes out of the object of the same name. */
export interface AskedSecret {
  readonly namespace: string;
  readonly name: string;
  /** How long it may take to be there, in seconds. */
  readonly seconds: number;
  /** The object, for messages. */
  readonly made: pulumi.Resource;
}

/**
 * What a stack says of a server, as docs/reference/configuration.md explains it under `servers`; every default is the
 * same. Without what only the stack can act on: rows, credentials of the stack, whether there is one.
 */
export type ServerDescription = Omit<
  ServerInput,
  "enabled" | "row" | "secretKeys" | "database" | "transform" | "name" | "image" | "port" | "tools"
>;

/** Arguments of {@link McpServer}: every key of `servers.<key>` in a stack's configuration, and these. */
export interface McpServerArgs extends ServerDescription {
  /** Name of the Deployment or StatefulSet, the Service and the ServiceAccount. */
  readonly name: string;
  /** What people and clients call it, where that is not its Service's name. @default `name` */
  readonly key?: string;
  readonly namespace: string;
  /** The application the server belongs to. */
  readonly application: string;
  /** Role of its pods within the application. @default "mcp-server" */
  readonly component?: string;
  readonly image: string;
  /** Port of the process and of the Service, 1 to 65535. */
  readonly port: number;
  /** Values of a Secret that is made here; its keys become variables. Not beside `secret`. */
  readonly secretValues?: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /**
   * Asked for what changes whenever a Secret of the External Secrets Operator does, once its ExternalSecret is there. It goes
   * on the pods, so that the next update rolls them, but for a `secretVersion`. @default they neither wait for it nor roll
   */
  readonly externalSecretVersion?: (secret: AskedSecret) => Promise<string | undefined>;
  /** Image of the gate, built from images/probe. @default none, and `gate` is "off" */
  readonly gateImage?: string;
  /** What the gate holds its tools against. @default nothing */
  readonly lock?: ToolLock;
  /** Runs when the rollout of its workload failed. @default the engine's own words are all */
  readonly failedRollout?: pulumi.ErrorHook;
  readonly consumers: readonly Consumer[];
  /** Where the database is that it reads: addresses, or pods. @default it reads none */
  readonly egressToDatabase?: AddressTarget | PodTarget;
  /** Pods it may call beside those of `egress`; for its profile `cluster`, instead of those of its own namespace. */
  readonly egressToPods?: readonly PodTarget[];
  /** @default the cluster's DNS pods are those of kube-system, and all its own ranges are private ones */
  readonly clusterNetwork?: ClusterNetwork;
  /** @default its pods are part of no service mesh, or of the one that their namespace puts them into */
  readonly serviceMesh?: ServiceMeshMember;
  /** Whether NetworkPolicies are made. @default true */
  readonly networkPolicy?: boolean;
  /** Changes a child's arguments last, before the security check. */
  readonly transform?: {
    readonly deployment?: Transform<k8s.apps.v1.DeploymentArgs>;
    /** Instead of `deployment` where a volume has a claimTemplate. */
    readonly statefulSet?: Transform<k8s.apps.v1.StatefulSetArgs>;
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

/** A server with every default filled in, and where it is deployed. */
export type Server = Omit<ServerSettings, "transform" | "name" | "image" | "port"> &
  Omit<McpServerArgs, keyof ServerDescription>;
