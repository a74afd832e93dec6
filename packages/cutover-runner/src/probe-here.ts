import { connectKube } from "@mcp-fleet/kube";
import { probeAll } from "@mcp-fleet/mcp-probe";

import { probeOptions } from "./job-spec";
import { targetsHere } from "./kept";
import type { ConsumerProbe } from "./probe-job";
import type { Consumer, Credentials, CutoverInputs } from "./types";

/**
 * Asks from this process: once for all consumers, and once for each where they speak different protocol versions.
 * @returns one result for each, called `here`, with the consumers that it stands for where there are several
 */
export async function probeFromHere(
  { probe, targets: wanted, kubernetes }: Pick<CutoverInputs, "probe" | "targets" | "kubernetes">,
  credentials: Pick<Credentials, "kubeconfig">,
): Promise<ConsumerProbe[]> {
  const targets = await targetsHere(wanted, probe.namespace, () =>
    connectKube(kubernetes, credentials),
  );
  const groups = new Map<string, Consumer[]>();
  for (const consumer of probe.consumers) {
    const key = JSON.stringify(consumer.protocols ?? []);
    groups.set(key, [...(groups.get(key) ?? []), consumer]);
  }
  const all = groups.size === 0 ? [[]] : [...groups.values()];
  return Promise.all(
    all.map(async (consumers) => {
      const startedAt = new Date().toISOString();
      const results = await probeAll(targets, probeOptions(probe, consumers[0] ?? {}));
      const names = consumers.map(({ name }) => name).join(", ");
      const consumer = all.length === 1 ? "here" : `here (${names})`;
      return { consumer, job: "", startedAt, completedAt: new Date().toISOString(), results };
    }),
  );
}
