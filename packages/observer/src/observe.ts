import { messageOf } from "@mcp-fleet/errors";
import { lacksPods } from "@mcp-fleet/kube";

import { type AgentStatus, sameStatus, statusOf } from "./agents";
import { certificateEnd } from "./certificates";
import type { ClusterView } from "./cluster";
import type { ObserverConfig } from "./config";
import { lowestGeneration, type ServerPods, serverPods } from "./fleet";
import { type Agent, readAgents } from "./registry";

/** The result of one observation. What could not be read is absent. */
export interface Observation {
  readonly application: string;
  readonly up: Readonly<Record<string, boolean>>;
  readonly servers?: readonly ServerPods[];
  readonly generation?: number;
  readonly registryUp?: boolean;
  readonly agents?: readonly Agent[];
  readonly declared?: readonly { readonly name: string; readonly status: AgentStatus }[];
  readonly certificates: readonly { readonly endpoint: string; readonly end?: number }[];
}

type Report = (source: string, problem: string) => void;

/** Observes everything once. A source that fails does not affect the others. */
export async function observe(
  config: ObserverConfig,
  cluster: ClusterView,
  report: Report,
): Promise<Observation> {
  const tried = async <T>(source: string, look: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await look();
    } catch (error) {
      report(source, messageOf(error));
      return undefined;
    }
  };
  const { registry } = config;
  const [fleet, agents, certificates] = await Promise.all([
    tried("kubernetes", () => lookAtFleet(config, cluster)),
    registry === undefined ? undefined : tried("registry", () => readAgents(registry)),
    Promise.all(
      config.certificates.map(async (endpoint) => {
        const end = await tried("certificates", () => certificateEnd(endpoint));
        return { endpoint, ...(end === undefined ? {} : { end }) };
      }),
    ),
  ]);
  const declared =
    agents === undefined ? undefined : await tried("agents", () => updateAgents(cluster, agents));
  return {
    application: config.application,
    up: {
      kubernetes: fleet !== undefined,
      // Without the registry there is no status to write; registryUp reports that.
      ...(agents === undefined ? {} : { agents: declared !== undefined }),
    },
    ...fleet,
    ...(registry === undefined ? {} : { registryUp: agents !== undefined }),
    ...(agents === undefined ? {} : { agents }),
    ...(declared === undefined ? {} : { declared }),
    certificates,
  };
}

async function lookAtFleet(
  config: ObserverConfig,
  cluster: ClusterView,
): Promise<Pick<Observation, "servers" | "generation">> {
  const [workloads, pods] = await Promise.all([cluster.workloads(), cluster.pods()]);
  const events = workloads.some(lacksPods) ? await cluster.creationEvents() : [];
  const generation = lowestGeneration(pods);
  return {
    servers: serverPods(config.servers, workloads, pods, events),
    ...(generation === undefined ? {} : { generation }),
  };
}

/** Writes the status of each declared agent where it changed. */
async function updateAgents(
  cluster: ClusterView,
  agents: readonly Agent[],
): Promise<{ name: string; status: AgentStatus }[]> {
  const now = new Date().toISOString().replace(/\.\d+Z$/, "Z");
  const objects = await cluster.agents();
  return Promise.all(
    objects.map(async (object) => {
      const status = statusOf(object, agents, now);
      const { name } = object.metadata;
      if (!sameStatus(object.status, status)) await cluster.setStatus(name, status);
      return { name, status };
    }),
  );
}
