import { type MadeKind, type RunWork, workOfRun } from "@mcp-fleet/cluster";

import type { Fleet } from "../fleet";
import type { WantedImage } from "./images";

/** A resource of a stack's state or preview. */
export interface DeclaredResource {
  readonly type: string;
  readonly inputs?: Readonly<Record<string, unknown>>;
}

interface PodTemplate {
  readonly containers?: readonly { readonly image?: string }[];
  readonly initContainers?: readonly { readonly image?: string }[];
  readonly imagePullSecrets?: readonly { readonly name?: string }[];
}

interface KubernetesInputs {
  readonly metadata?: { readonly namespace?: string };
  readonly spec?: { readonly template?: { readonly spec?: PodTemplate } };
}

/**
 * What an update of these resources does in their cluster.
 * @param fleet absent where no rows are changed
 */
export function workOf(
  resources: readonly DeclaredResource[],
  fleet: Fleet | undefined,
  namespace: string,
): RunWork {
  const kinds = resources.flatMap(({ type, inputs }): MadeKind[] => {
    const [, version = "", kind = ""] = /^kubernetes:([^:]+):([^:]+)$/.exec(type) ?? [];
    if (kind === "" || version.startsWith("helm.sh/")) return [];
    const own = (inputs as KubernetesInputs | undefined)?.metadata?.namespace;
    return [
      {
        apiVersion: version.replace(/^core\//, ""),
        kind: kind.replace(/Patch$/, ""),
        ...(own === undefined ? {} : { namespace: own }),
      },
    ];
  });
  return workOfRun({ namespace, kinds, ...(fleet === undefined ? {} : { cutover: fleet }) });
}

/** Every image that a pod of these resources runs, the probe's too. */
export function imagesOf(
  resources: readonly DeclaredResource[],
  fleet: Fleet | undefined,
  namespace: string,
): WantedImage[] {
  const images = resources.flatMap(({ type, inputs }): WantedImage[] => {
    if (!type.startsWith("kubernetes:")) return [];
    const { metadata, spec } = (inputs ?? {}) as KubernetesInputs;
    const {
      containers = [],
      initContainers = [],
      imagePullSecrets = [],
    } = spec?.template?.spec ?? {};
    return [...initContainers, ...containers].flatMap(({ image }) =>
      typeof image === "string"
        ? [
            {
              image,
              namespace: metadata?.namespace ?? namespace,
              pullSecrets: imagePullSecrets.flatMap(({ name }) => name ?? []),
            },
          ]
        : [],
    );
  });
  const { image, imagePullSecrets = [], from } = fleet?.probe ?? {};
  const probes = from === "cluster" && image !== undefined && image !== "";
  return [...images, ...(probes ? [{ image, namespace, pullSecrets: [...imagePullSecrets] }] : [])];
}
