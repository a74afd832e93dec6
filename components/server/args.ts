import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import type { Resources, Transform } from "../core";

/** A prebuilt image that speaks MCP over streamable HTTP by itself. */
export interface ImageSource {
  readonly kind: "image";
  readonly image: string;
  /** Replaces the image's entrypoint. @default the image's own */
  readonly command?: readonly string[];
  /** Replaces the image's command. @default the image's own */
  readonly args?: readonly string[];
}

/** A stdio server behind supergateway, both in one image; nothing is installed at start. */
export interface BridgeSource {
  readonly kind: "bridge";
  readonly image: string;
  /** The stdio server's command line. */
  readonly stdio: string;
}

/** Where a server's process comes from. One kind a source: adding one changes only `container.ts`. */
export type ServerSource = ImageSource | BridgeSource;

/** How the kubelet asks whether the process lives. Never `GET` on the MCP path: it answers 405 and leaks sessions. */
export type Health = { readonly kind: "http"; readonly path: string } | { readonly kind: "tcp" };

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
  readonly env?: Readonly<Record<string, string>>;
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
    readonly secret?: Transform<k8s.core.v1.SecretArgs>;
    readonly networkPolicy?: Transform<k8s.networking.v1.NetworkPolicyArgs>;
  };
}
