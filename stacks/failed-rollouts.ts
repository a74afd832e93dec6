import * as pulumi from "@pulumi/pulumi";

import type { McpServerArgs } from "../components/server";
import { seeCluster } from "./cluster";
import type { StackConfig } from "./config";

/**
 * Says why the rollout of a server failed: the engine says that its pods are not ready, and what they say themselves (the
 * gate, a crash, an image that cannot be pulled) is read from the cluster when the update has failed.
 */
export function failedRollouts({
  kubernetes,
}: Pick<StackConfig, "kubernetes">): McpServerArgs["onFailedRollout"] {
  // Where nothing is made there is no rollout, and without an engine there are no hooks.
  if (kubernetes.rendered || pulumi.runtime.isDryRun() || !pulumi.runtime.hasEngine())
    return undefined;
  return async (ref, server) => {
    const { getWorkload, troublesNow, workloadText } = await import("@mcp-fleet/kube");
    const seen = await seeCluster(kubernetes, async (kube) => {
      const found = await getWorkload(kube, ref);
      return { text: workloadText(found), why: await troublesNow(kube, found) };
    });
    if (!("answer" in seen) || seen.answer.why.length === 0) return;
    const { text, why } = seen.answer;
    await pulumi.log.error(`${text}: ${why.join("; ")}.`, server);
  };
}
