import type * as k8s from "@kubernetes/client-node";
import { restrictedContainer, restrictedPod } from "@mcp-fleet/kube";

/**
 * Nothing ever sets this condition, so a pod with this gate is never Ready. The probe's pod has the application's
 * labels, and a Service that selects them must not send it the application's requests.
 */
export const neverReady = "mcp-fleet.dev/never-ready";

/** How long a finished Job that we could not delete stays, in seconds. A failed one stays on purpose. */
export const keepSeconds = 3600;

/** The probe's own container: a service mesh may put others beside it. */
export const containerName = "probe";

/** What the container of one kind of Job does. */
export type ProbeContainer = Pick<k8s.V1Container, "image" | "args" | "env" | "volumeMounts">;

/** What tells one Job with the probe's image from another. */
export interface RestrictedJob {
  /** Whether it waits for something that is still to be made. @default false */
  readonly suspend?: boolean;
  readonly activeSeconds: number;
  /** Of its pods. */
  readonly labels: Readonly<Record<string, string>>;
  readonly serviceAccount?: string | undefined;
  readonly imagePullSecrets?: readonly string[] | undefined;
  readonly container: ProbeContainer;
  readonly volumes?: readonly k8s.V1Volume[];
}

/** A Job of one attempt whose pod passes Pod Security "restricted", holds no token and is behind no Service. */
export function restrictedJob({
  suspend = false,
  activeSeconds,
  labels,
  serviceAccount,
  imagePullSecrets = [],
  container,
  volumes = [],
}: RestrictedJob): k8s.V1JobSpec {
  return {
    suspend,
    backoffLimit: 0,
    activeDeadlineSeconds: activeSeconds,
    ttlSecondsAfterFinished: keepSeconds,
    template: {
      metadata: { labels: { ...labels } },
      spec: {
        restartPolicy: "Never",
        ...(serviceAccount !== undefined && { serviceAccountName: serviceAccount }),
        ...restrictedPod(),
        terminationGracePeriodSeconds: 2,
        readinessGates: [{ conditionType: neverReady }],
        imagePullSecrets: imagePullSecrets.map((name) => ({ name })),
        containers: [hardened(container)],
        ...(volumes.length > 0 && { volumes: [...volumes] }),
      },
    },
  };
}

const hardened = (container: ProbeContainer): k8s.V1Container => ({
  name: containerName,
  imagePullPolicy: "IfNotPresent",
  ...container,
  resources: { requests: { cpu: "50m", memory: "64Mi" }, limits: { memory: "192Mi" } },
  terminationMessagePolicy: "FallbackToLogsOnError",
  securityContext: restrictedContainer,
});
