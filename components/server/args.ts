import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import type { Resources, Transform } from "../core";
import type { EnvValue, ServerSource } from "./sources";

/** How the kubelet asks whether the process lives. Never `GET` on the MCP path: it answers 405 and leaks sessions. */
export type Health = { readonly kind: "http"; readonly path: string } | { readonly kind: "tcp" };

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

/** Where a server may connect to: nowhere, name servers only, pods of this cluster, or anywhere. */
export type Egress = "none" | "dns" | "cluster" | "internet";

/** Values a server gets from a Kubernetes Secret. */
export type SecretSource =
  | {
      /** Values from stack secrets; the component makes the Secret. */
      readonly kind: "values";
      readonly values: pulumi.Input<Record<string, pulumi.Input<string>>>;
    }
  | {
      /** A Secret that exists already; all of its keys become environment variables. */
      readonly kind: "existing";
      readonly name: string;
    };

/** Pods that may call a server, in the server's own namespace. */
export interface Consumer {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Arguments of {@link McpServer}. */
export interface McpServerArgs {
  /** Name of the Deployment, the Service and the ServiceAccount. */
  readonly serviceName: string;
  readonly namespace: string;
  /** The application the server belongs to. */
  readonly application: string;
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
  /** Absolute path -> key of the Secret, for a server that reads a credential from a file. */
  readonly files?: Readonly<Record<string, string>>;
  /** @default 1 */
  readonly replicas?: number;
  readonly resources?: Resources;
  /** Directories the process writes to, beside `/tmp`. */
  readonly writable?: readonly string[];
  /** User id of the process. @default 65532 */
  readonly user?: number;
  readonly consumers: readonly Consumer[];
  /** @default "dns" */
  readonly egress?: Egress;
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
    readonly networkPolicy?: Transform<k8s.networking.v1.NetworkPolicyArgs>;
  };
}
