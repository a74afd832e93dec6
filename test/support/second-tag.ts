import type { Cluster } from "../../lab/cluster";
import { containerEngine } from "../../lab/cluster/container-engine";
import { ctr } from "../../lab/cluster/containerd";
import { clusterName } from "../../lab/cluster/pki";
import { run } from "../../lab/exec";

/**
 * Gives an image of the cluster a second tag: the same content under another reference.
 *
 * @returns undefined in a cluster that the lab was given, whose images are not its own
 */
export async function secondTag(
  { engine }: Pick<Cluster, "engine">,
  ref: string,
): Promise<string | undefined> {
  const second = `${ref}-second`;
  const args = ["images", "tag", "--force", ref, second];
  if (engine === "given") return undefined;
  if (engine === "bare") await ctr(args);
  else {
    const node = ["exec", `${clusterName}-control-plane`, "ctr", "--namespace", "k8s.io"];
    await run((await containerEngine()) ?? "docker", [...node, ...args]);
  }
  return second;
}
