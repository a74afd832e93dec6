import type { Authority } from "@mcp-fleet/schema";
import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import type { Resources, Transform } from "../core";

/** Arguments of the component Studio. */
export interface StudioArgs {
  /** Name of the Deployment, the Service and the ServiceAccount. */
  readonly serviceName: string;
  readonly namespace: string;
  readonly application: string;
  /** Which servers it uses; told to the process as STUDIO_MODE. */
  readonly mode: "in-cluster" | "embedded";
  readonly image: string;
  readonly port: number;
  /** @default 1 */
  readonly replicas?: number;
  /** Settings that are no secret; they live in a ConfigMap. */
  readonly env?: Readonly<Record<string, string>>;
  /** Secret settings, DATABASE_URL among them. */
  readonly secrets: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** The cutover's generation: a new one restarts the pods. */
  readonly generation: pulumi.Input<number>;
  /** The account the pods run as. @default `serviceName` */
  readonly serviceAccountName?: string;
  /** How long a rollout may go on without progress before it fails, in seconds. @default 600 */
  readonly rolloutSeconds?: number;
  readonly resources?: Resources;
  /** Directories the process writes to, beside `/tmp`. */
  readonly writable?: readonly string[];
  readonly imagePullSecrets?: readonly string[];
  /** An authority whose certificates it trusts, and the variables that name their file to it. @default none */
  readonly trust?: { readonly ca: Authority; readonly variables: readonly string[] };
  /** @default true */
  readonly networkPolicy?: boolean;
  readonly transform?: {
    readonly deployment?: Transform<k8s.apps.v1.DeploymentArgs>;
    readonly service?: Transform<k8s.core.v1.ServiceArgs>;
  };
}
