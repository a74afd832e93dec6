import type { Kube, Workload } from "@mcp-fleet/kube";
import type { AgreedProtocols, RunMeta, RunningImages, ToolLists } from "@mcp-fleet/row-cutover";

import { quietly } from "./job-wait";
import type { ConsumerProbe } from "./probe-job";
import { runningImages } from "./running-images";

/** Servers whose rollout is over, and the cluster they were seen in. */
export interface RolledOut {
  readonly kube: Kube;
  readonly workloads: readonly Workload[];
}

/**
 * What the servers showed of themselves before a run, for its record.
 * @param rolled not there where the cluster was not asked
 */
export async function shownBy(
  probes: readonly ConsumerProbe[],
  rolled: RolledOut | undefined,
): Promise<Pick<RunMeta, "tools" | "protocols" | "images">> {
  return {
    tools: toolsOf(probes),
    protocols: protocolsOf(probes),
    images: await imagesOf(rolled),
  };
}

/** Only for the record, so a failure here fails no run. */
async function imagesOf(rolled: RolledOut | undefined): Promise<RunningImages> {
  if (rolled === undefined) return {};
  return (await quietly(() => runningImages(rolled.kube, rolled.workloads))) ?? {};
}

/** What each server listed, whichever consumer asked. A server that keeps its tools for clients of its own has none. */
export function toolsOf(probes: readonly ConsumerProbe[]): ToolLists {
  const lists = new Map<string, Set<string>>();
  for (const { name, tools } of probes.flatMap(({ results }) => results)) {
    if (tools === undefined) continue;
    lists.set(name, new Set([...(lists.get(name) ?? []), ...tools]));
  }
  return Object.fromEntries([...lists].map(([name, tools]) => [name, [...tools].sort()]));
}

/** What each server and each consumer agreed on. A server that keeps its tools for clients of its own agreed on nothing. */
function protocolsOf(probes: readonly ConsumerProbe[]): AgreedProtocols {
  const agreed: Record<string, Record<string, string>> = {};
  for (const { consumer, results } of probes) {
    for (const { name, protocolVersion } of results) {
      if (protocolVersion !== undefined) (agreed[name] ??= {})[consumer] = protocolVersion;
    }
  }
  return agreed;
}
