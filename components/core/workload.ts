import { directoryVolumes, drainSeconds } from "@mcp-fleet/schema";
import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import { restrictedContainer, restrictedPod } from "./security";

type Container = k8s.types.input.core.v1.Container;
type PodSpec = k8s.types.input.core.v1.PodSpec;

/** Requests and limits of a container, in Kubernetes quantities. */
export interface Resources {
  readonly requests?: { readonly cpu?: string; readonly memory?: string };
  readonly limits?: { readonly cpu?: string; readonly memory?: string };
}

export { drainSeconds };

/** Mode of a Secret's files: the pod's group may read them. */
export const secretMode = 0o440;

/** Options of a hardened pod with one container. */
export interface PodOptions {
  readonly container: Omit<Container, "securityContext" | "volumeMounts" | "lifecycle">;
  readonly serviceAccountName: string;
  readonly user: number;
  /** @default `user` */
  readonly group?: number | undefined;
  /** Writable directories; each becomes an emptyDir. `/tmp` is always one. */
  readonly writable: readonly string[];
  readonly imagePullSecrets: readonly string[];
  /** Absolute path -> key of the Secret: for servers that read a credential from a file. */
  readonly secretFiles?:
    | {
        readonly secretName: pulumi.Input<string>;
        readonly keys: Readonly<Record<string, string>>;
      }
    | undefined;
  /** Name of a claim of the workload to its mount path. */
  readonly claims?: Readonly<Record<string, string>>;
  /** A ConfigMap mounted as a directory, read-only. */
  readonly configDirectory?:
    { readonly configMap: pulumi.Input<string>; readonly path: string } | undefined;
  /** Additional volumes of the pod, and their mounts in the container. */
  readonly volumes?: readonly k8s.types.input.core.v1.Volume[];
  readonly mounts?: readonly k8s.types.input.core.v1.VolumeMount[];
  /**
   * How long a terminating pod still serves; 0 for not at all.
   * @default {@link drainSeconds}
   */
  readonly drainSeconds?: number;
  /** How long the process may take to exit after that, in seconds. */
  readonly graceSeconds: number;
  /** Fields of the pod about scheduling. */
  readonly placement?: Partial<PodSpec>;
}

/** A pod with one container, the restricted security profile and writable directories where asked for. */
export function hardenedPod(options: PodOptions): PodSpec {
  const directories = directoryVolumes(options.writable);
  const { secretFiles, configDirectory } = options;
  const drain = options.drainSeconds ?? drainSeconds;
  return {
    ...restrictedPod(options.user, options.group),
    serviceAccountName: options.serviceAccountName,
    terminationGracePeriodSeconds: drain + options.graceSeconds,
    ...options.placement,
    ...(options.imagePullSecrets.length === 0
      ? {}
      : { imagePullSecrets: options.imagePullSecrets.map((name) => ({ name })) }),
    containers: [
      {
        imagePullPolicy: "IfNotPresent",
        ...options.container,
        securityContext: restrictedContainer,
        // The endpoint is withdrawn while the process still answers; this needs no shell in the image.
        ...(drain === 0 ? {} : { lifecycle: { preStop: { sleep: { seconds: drain } } } }),
        volumeMounts: [
          ...directories.map(([name, mountPath]) => ({ name, mountPath })),
          ...Object.entries(secretFiles?.keys ?? {}).map(([mountPath, subPath]) => ({
            name: "secret-files",
            mountPath,
            subPath,
            readOnly: true,
          })),
          ...Object.entries(options.claims ?? {}).map(([name, mountPath]) => ({ name, mountPath })),
          ...(configDirectory === undefined
            ? []
            : [{ name: "config", mountPath: configDirectory.path, readOnly: true }]),
          ...(options.mounts ?? []),
        ],
      },
    ],
    volumes: [
      ...directories.map(([name]) => ({ name, emptyDir: {} })),
      ...(secretFiles === undefined
        ? []
        : [
            {
              name: "secret-files",
              secret: { secretName: secretFiles.secretName, defaultMode: secretMode },
            },
          ]),
      ...(configDirectory === undefined
        ? []
        : [{ name: "config", configMap: { name: configDirectory.configMap } }]),
      ...(options.volumes ?? []),
    ],
  };
}

/** How long a rollout may go without progress before it counts as failed, in seconds. */
export const defaultRolloutSeconds = 600;

/**
 * How long the engine waits for a workload. Its own limit is ten minutes, and it goes on waiting after
 * Kubernetes has given up. Pods come one by one, so each may take the deadline; some seconds are added to find
 * out why it failed.
 */
export function rolloutTimeouts(seconds: number, pods: number): pulumi.CustomTimeouts {
  const limit = `${seconds * Math.max(pods, 1) + 30}s`;
  return { create: limit, update: limit };
}

/** The old pod ends before the new one starts. */
export const replacingRollout = { type: "Recreate" } as const;

/** Replaces pods one by one and never has fewer ready ones than before. */
export const gentleRollout = {
  type: "RollingUpdate",
  rollingUpdate: { maxUnavailable: 0, maxSurge: 1 },
} as const;
