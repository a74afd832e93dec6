import type * as pulumi from "@pulumi/pulumi";

import type { ClusterNetwork, Resources, ServiceMeshMember } from "../core";

/** The registry's storage. */
export type RegistryStorage =
  /** SQLite on a volume of the registry. */
  | { readonly kind: "sqlite"; readonly size: string; readonly storageClass?: string }
  /** A PostgreSQL whose URL is a key of an existing Secret. */
  | {
      readonly kind: "postgresql";
      readonly secret: pulumi.Input<string>;
      readonly key: string;
      readonly port: pulumi.Input<number>;
      /** The URL's host; only the publisher's chart needs it. */
      readonly host?: string;
    };

/** Arguments of {@link MeshRegistry}. */
export interface MeshRegistryArgs {
  /** Name of the StatefulSet and of the Service that agents call. */
  readonly serviceName: string;
  readonly namespace: string;
  readonly application: string;
  readonly image: string;
  readonly port: number;
  readonly storage: RegistryStorage;
  /**
   * How often the registry checks for agents without a heartbeat, in seconds.
   * @default 10
   */
  readonly healthCheckSeconds?: number;
  /** An agent without a heartbeat for this long is unhealthy, in seconds. @default 20 */
  readonly agentTimeoutSeconds?: number;
  /** @default "INFO" */
  readonly logLevel?: string;
  /** Other settings, by variable; they are in the registry's ConfigMap. */
  readonly env?: Readonly<Record<string, string>>;
  readonly resources?: Resources;
  /** Pods that may call it besides the agents. */
  readonly consumers: readonly { readonly labels: Readonly<Record<string, string>> }[];
  /**
   * The service mesh of its pod.
   * @default none, or that of its namespace
   */
  readonly serviceMesh?: ServiceMeshMember;
  /** @default as for a server */
  readonly clusterNetwork?: ClusterNetwork;
  readonly imagePullSecrets?: readonly string[];
  /** @default true */
  readonly networkPolicy?: boolean;
}
