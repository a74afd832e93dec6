import { asking, type Kube, statusOf } from "@mcp-fleet/kube";

/**
 * Whether a namespace is there. `ending`: it is being removed, and takes nothing new.
 *
 * @throws {UserError} when the cluster does not answer, or may not be asked
 */
export async function namespaceState(
  kube: Kube,
  name: string,
): Promise<"there" | "ending" | "missing"> {
  return asking(kube, `read the namespace ${name}`, async () => {
    try {
      const { metadata } = await kube.core.readNamespace({ name });
      return metadata?.deletionTimestamp === undefined ? "there" : "ending";
    } catch (error) {
      if (statusOf(error) === 404) return "missing";
      throw error;
    }
  });
}
