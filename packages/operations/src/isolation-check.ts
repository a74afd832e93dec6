import type * as k8s from "@kubernetes/client-node";
import type { Credentials } from "@mcp-fleet/cutover-runner";
import { cleanLine } from "@mcp-fleet/errors";
import { asking, connectKube, workloadLabel } from "@mcp-fleet/kube";
import { z } from "zod";

import type { Fleet } from "./fleet";

/** The result of a pod that no NetworkPolicy allows and that tried the fleet's Services. */
export interface IsolationChecked {
  readonly tried: readonly string[];
  readonly reachable: readonly string[];
  /** When it ended, in seconds since the epoch. */
  readonly at: number;
}

/** The pods of the stack's IsolationCheck (components/observability). */
const labelSelector = `${workloadLabel}=isolation-check`;

const name = z
  .string()
  .max(253)
  .transform((text) => cleanLine(text));
const summary = z.object({ tried: z.array(name), reachable: z.array(name) });

/**
 * Reads the result of the newest pod of the stack's isolation check.
 * @returns undefined while none has ended
 * @throws {UserError} when the cluster does not answer
 */
export async function readIsolationCheck(
  { kubernetes, probe: { namespace } }: Fleet,
  credentials: Pick<Credentials, "kubeconfig">,
): Promise<IsolationChecked | undefined> {
  const kube = await connectKube(kubernetes, credentials);
  const { items } = await asking(kube, `list pods in ${namespace}`, () =>
    kube.core.listNamespacedPod({ namespace, labelSelector }),
  );
  const found = items.flatMap(checkedIn).sort((a, b) => b.at - a.at);
  return found[0];
}

function checkedIn({ status }: k8s.V1Pod): IsolationChecked[] {
  const ended = status?.containerStatuses?.[0]?.state?.terminated;
  if (ended?.message === undefined || ended.finishedAt === undefined) return [];
  try {
    const result = summary.parse(JSON.parse(ended.message));
    return [{ ...result, at: new Date(ended.finishedAt).getTime() / 1000 }];
  } catch {
    return []; // it could not start, and the message says why in words
  }
}
