import type * as k8s from "@kubernetes/client-node";
import { keyAnnotation, mainContainer } from "@mcp-fleet/kube";

/** A resource of a stack, as far as it is read. */
interface StackResource {
  readonly type: string;
  readonly inputs?: Readonly<Record<string, unknown>>;
}

/** A server's workload, as far as it is read. */
interface WorkloadInputs {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, unknown>> };
  readonly spec?: { readonly template?: k8s.V1PodTemplateSpec };
}

/** The images that servers get which run with another one now, by the servers' keys. */
export function changedImages(
  before: readonly StackResource[],
  after: readonly StackResource[],
): Readonly<Record<string, string>> {
  const old = imagesIn(before);
  return Object.fromEntries(
    [...imagesIn(after)].filter(([key, image]) => old.has(key) && old.get(key) !== image),
  );
}

/** Of the container of each server's workload that is the server's own. */
function imagesIn(resources: readonly StackResource[]): Map<string, string> {
  const images = new Map<string, string>();
  for (const { type, inputs } of resources) {
    if (!/^kubernetes:apps\/v1:(Deployment|StatefulSet)$/.test(type)) continue;
    const { metadata, spec } = (inputs ?? {}) as WorkloadInputs;
    const key = metadata?.annotations?.[keyAnnotation];
    const image: unknown = mainContainer(spec?.template)?.image;
    if (typeof key === "string" && typeof image === "string") images.set(key, image);
  }
  return images;
}
