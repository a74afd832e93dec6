import type { WorkloadRef } from "@mcp-fleet/kube";
import * as pulumi from "@pulumi/pulumi";

import { seeCluster } from "./cluster";
import type { StackConfig } from "./config";

/**
 * Says why the rollout of a workload failed: the engine says that its pods are not ready, and what they say themselves (the
 * gate, a crash, an image that cannot be pulled) is read from the cluster when the update has failed. One hook for all
 * workloads: the engine tells it which one failed, and it tries none a second time.
 */
export function failedRolloutHook({
  kubernetes,
}: Pick<StackConfig, "kubernetes">): pulumi.ErrorHook | undefined {
  // Where nothing is made there is no rollout, and without an engine there are no hooks.
  if (kubernetes.rendered || pulumi.runtime.isDryRun() || !pulumi.runtime.hasEngine())
    return undefined;
  return new pulumi.ErrorHook("failed rollout", async ({ type, newInputs }) => {
    const ref = workloadIn(type, newInputs);
    if (ref === undefined) return false;
    const { getWorkload, troublesNow, workloadText } = await import("@mcp-fleet/kube");
    const seen = await seeCluster(kubernetes, async (kube) => {
      const found = await getWorkload(kube, ref);
      return { text: workloadText(found), why: await troublesNow(kube, found) };
    });
    if (!("answer" in seen) || seen.answer.why.length === 0) return false;
    const { text, why } = seen.answer;
    // Not of the resource: what waits for its URN while the hook runs would wait for ever.
    await pulumi.log.error(`${text}: ${why.join("; ")}.`);
    return false;
  });
}

/** Undefined for a resource that is no workload. */
function workloadIn(type: string, inputs: Record<string, unknown> = {}): WorkloadRef | undefined {
  const kind = /^kubernetes:apps\/v1:(Deployment|StatefulSet)$/.exec(type)?.[1];
  const { name, namespace } = (inputs.metadata ?? {}) as Partial<Record<string, unknown>>;
  if (kind === undefined || typeof name !== "string" || typeof namespace !== "string")
    return undefined;
  return { kind: kind as WorkloadRef["kind"], namespace, name };
}
