import type * as k8s from "@kubernetes/client-node";
import { type Kube, tagged, type Workload, type WorkloadRef } from "@mcp-fleet/kube";

/** Whom `kubectl get --show-managed-fields` names for what is written here. */
const fieldManager = "mcp-fleet";

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

async function mergePatch(): Promise<k8s.ConfigurationOptions> {
  const { PatchStrategy, setHeaderOptions } = await import("@kubernetes/client-node");
  return setHeaderOptions("Content-Type", PatchStrategy.MergePatch);
}
