import {
  type Credentials,
  isolationOf,
  type IsolationSeen,
  type OnProgress,
  type Stranger,
  type StrangerReport,
  tryIsolation,
} from "@mcp-fleet/cutover-runner";
import { UserError } from "@mcp-fleet/errors";
import { connectKube } from "@mcp-fleet/kube";

import type { Fleet } from "./fleet";

/** What unauthorised pods could reach. */
export interface DenyReport extends IsolationSeen {
  readonly cutover: string;
  readonly strangers: readonly StrangerReport[];
  /** Ports that such a pod reached, each counted once. */
  readonly open: number;
  /** Such pods that could not try. */
  readonly untried: number;
}

/**
 * Tries the fleet's ports from pods that no policy allows: one without labels in the fleet's namespace, one in
 * another namespace, and one there with the labels of the first consumer.
 * @param elsewhere the other namespace
 * @throws {UserError} when the cluster does not answer, or the stack has no probe image
 */
export async function verifyDenied(
  fleet: Fleet,
  credentials: Pick<Credentials, "kubeconfig">,
  elsewhere: string,
  onProgress?: OnProgress,
): Promise<DenyReport> {
  const { namespace, image = "", consumers } = fleet.probe;
  if (image === "") {
    throw new UserError(
      "probe.image is not set, so there is no image to try from.",
      "Set probe.image to an image with the mcp-probe command, built from images/probe.",
    );
  }
  if (elsewhere === namespace) {
    throw new UserError(
      `The other namespace is the fleet's own, ${namespace}.`,
      "Name one that exists and is not the fleet's: --other-namespace default",
    );
  }
  const [consumer] = consumers;
  const strangers: Stranger[] = [
    { name: "stranger", namespace },
    { name: "stranger", namespace: elsewhere },
    ...(consumer === undefined
      ? []
      : [{ name: "look-alike", namespace: elsewhere, labels: consumer.labels }]),
  ];
  onProgress?.(`trying from ${strangers.length} pods in ${namespace} and ${elsewhere}`);
  const kube = await connectKube(fleet.kubernetes, credentials);
  const reports = await tryIsolation(kube, fleet, strangers, onProgress);
  const open = reports.flatMap(({ results }) => results.filter(({ reachable }) => reachable));
  return {
    ...isolationOf(reports),
    cutover: fleet.spec.name,
    strangers: reports,
    open: new Set(open.map(({ at }) => at)).size,
    untried: reports.filter(({ problem }) => problem !== undefined).length,
  };
}
