import { cleanLine } from "@mcp-fleet/errors";
import {
  asking,
  isPodOf,
  isReady,
  type Kube,
  serverName,
  serverSelector,
  type Workload,
} from "@mcp-fleet/kube";
import type { RunningImages } from "@mcp-fleet/row-cutover";

/** Longer than any image with its digest. */
const mostCharacters = 500;

/**
 * The images that the ready pods of these servers run, with the digest by which a node pulled them: what a tag led to is
 * known nowhere else. One request for each namespace.
 * @throws {UserError} when the pods cannot be listed
 */
export async function runningImages(
  kube: Kube,
  servers: readonly Workload[],
): Promise<RunningImages> {
  const namespaces = new Set(servers.map(({ metadata }) => metadata?.namespace ?? ""));
  const lists = await Promise.all(
    [...namespaces].map((namespace) =>
      asking(kube, `list pods in ${namespace}`, () =>
        kube.core.listNamespacedPod({ namespace, labelSelector: serverSelector }),
      ),
    ),
  );
  const pods = lists.flatMap(({ items }) => items).filter(isReady);
  const images: Record<string, Record<string, string[]>> = {};
  for (const server of servers) {
    const own = (images[serverName(server)] ??= {});
    for (const { status } of pods.filter((pod) => isOf(server, pod))) {
      const containers = [
        ...(status?.containerStatuses ?? []),
        ...(status?.initContainerStatuses ?? []),
      ];
      for (const { name, imageID } of containers) {
        const image = cleanLine(imageID.replace(/^[a-z-]+:\/\//, ""), mostCharacters);
        const known = (own[name] ??= []);
        if (image !== "" && !known.includes(image)) known.push(image);
      }
    }
  }
  return images;
}

function isOf(server: Workload, pod: Parameters<typeof isPodOf>[1]): boolean {
  return server.metadata?.namespace === pod.metadata?.namespace && isPodOf(server, pod);
}
