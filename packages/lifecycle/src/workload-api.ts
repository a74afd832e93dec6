import type * as k8s from "@kubernetes/client-node";
import {
  ApiError,
  asking,
  kindOf,
  type Kube,
  type Workload,
  type WorkloadKind,
} from "@mcp-fleet/kube";

import type { Watched } from "./watch";

/** Whom `kubectl get --show-managed-fields` names for what is written here. */
const fieldManager = "mcp-fleet";

/** One Deployment or StatefulSet. */
export interface WorkloadRef {
  readonly kind: WorkloadKind;
  readonly namespace: string;
  readonly name: string;
}

export function refOf(workload: Workload, namespace: string): WorkloadRef {
  return { kind: kindOf(workload), namespace, name: workload.metadata?.name ?? "" };
}

/** @returns undefined where there is none, and for a kind that the account may not read */
export async function readWorkload(
  kube: Kube,
  { kind, namespace, name }: WorkloadRef,
): Promise<Workload | undefined> {
  try {
    const found = await asking(kube, `read ${kind} ${namespace}/${name}`, () =>
      kind === "Deployment"
        ? kube.apps.readNamespacedDeployment({ namespace, name })
        : kube.apps.readNamespacedStatefulSet({ namespace, name }),
    );
    return tagged(found, kind);
  } catch (error) {
    const status = error instanceof ApiError ? error.status : undefined;
    // Whoever may look at Deployments only knows of those only.
    if (status === 404 || (status === 403 && kind === "StatefulSet")) return undefined;
    throw error;
  }
}

/** @throws Error as the client does */
export async function patchTemplate(
  kube: Kube,
  { kind, namespace, name }: WorkloadRef,
  annotations: Readonly<Record<string, string>>,
): Promise<Workload> {
  const body = { spec: { template: { metadata: { annotations } } } };
  const [asked, how] = [{ namespace, name, fieldManager, body }, await mergePatch()] as const;
  const patched =
    kind === "Deployment"
      ? await kube.apps.patchNamespacedDeployment(asked, how)
      : await kube.apps.patchNamespacedStatefulSet(asked, how);
  return tagged(patched, kind);
}

/**
 * Sets the wanted replicas through the `scale` subresource: a right that changes no image and no command.
 * @param resourceVersion of the object that the number is for; a change made in between is refused with status 409
 * @throws Error as the client does
 */
export async function patchScale(
  kube: Kube,
  { kind, namespace, name }: WorkloadRef,
  replicas: number,
  resourceVersion: string | undefined,
): Promise<void> {
  const body = { metadata: { resourceVersion }, spec: { replicas } };
  const [asked, how] = [{ namespace, name, fieldManager, body }, await mergePatch()] as const;
  if (kind === "Deployment") await kube.apps.patchNamespacedDeploymentScale(asked, how);
  else await kube.apps.patchNamespacedStatefulSetScale(asked, how);
}

/** The one object, to be followed. */
export function watchedWorkload(
  kube: Kube,
  { kind, namespace, name }: WorkloadRef,
): Watched<Workload> {
  const fieldSelector = `metadata.name=${name}`;
  return {
    path: `/apis/apps/v1/namespaces/${namespace}/${kind.toLowerCase()}s`,
    query: { fieldSelector },
    what: `${kind}s in ${namespace}`,
    list: () =>
      kind === "Deployment"
        ? kube.apps.listNamespacedDeployment({ namespace, fieldSelector })
        : kube.apps.listNamespacedStatefulSet({ namespace, fieldSelector }),
  };
}

/** A list's items lack their kind. */
export function tagged(workload: Workload, kind: WorkloadKind): Workload {
  return Object.assign(workload, { kind });
}

async function mergePatch(): Promise<k8s.ConfigurationOptions> {
  const { PatchStrategy, setHeaderOptions } = await import("@kubernetes/client-node");
  return setHeaderOptions("Content-Type", PatchStrategy.MergePatch);
}
