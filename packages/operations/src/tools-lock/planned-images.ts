import { keyAnnotation } from "@mcp-fleet/kube";

/** A resource of a stack, as far as it is read. */
interface StackResource {
  readonly type: string;
  readonly inputs?: Readonly<Record<string, unknown>>;
}

/** A server's workload, as far as it is read. */
interface WorkloadInputs {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, unknown>> };
  readonly spec?: {
    readonly template?: {
      readonly spec?: { readonly containers?: readonly { image?: unknown }[] };
    };
  };
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

/** Of the first container of each server's workload: the server's own. */
function imagesIn(resources: readonly StackResource[]): Map<string, string> {
  const images = new Map<string, string>();
  for (const { type, inputs } of resources) {
    if (!/^kubernetes:apps\/v1:(Deployment|StatefulSet)$/.test(type)) continue;
    const { metadata, spec } = (inputs ?? {}) as WorkloadInputs;
    const key = metadata?.annotations?.[keyAnnotation];
    const image = spec?.template?.spec?.containers?.[0]?.image;
    if (typeof key === "string" && typeof image === "string") images.set(key, image);
  }
  return images;
}
