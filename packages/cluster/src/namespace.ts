import { asking, ifThere, type Kube } from "@mcp-fleet/kube";

/**
 * Whether a namespace exists. `ending`: it is being deleted, and accepts nothing new.
 *
 * @throws {UserError} when the cluster does not answer, or may not be asked
 */
export async function namespaceState(
  kube: Kube,
  name: string,
): Promise<"there" | "ending" | "missing"> {
  const found = await asking(kube, `read the namespace ${name}`, () =>
    ifThere(kube.core.readNamespace({ name })),
  );
  if (found === undefined) return "missing";
  return found.metadata?.deletionTimestamp === undefined ? "there" : "ending";
}
