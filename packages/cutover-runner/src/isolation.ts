import { randomUUID } from "node:crypto";

import type * as k8s from "@kubernetes/client-node";
import { cleanLine, isUserError, jsonForEnv, messageOf } from "@mcp-fleet/errors";
import {
  asking,
  isReady,
  type Kube,
  managedBy,
  managedByLabel,
  nameLabel,
  workloadLabel,
} from "@mcp-fleet/kube";
import type { Endpoint, Reached } from "@mcp-fleet/mcp-probe";

import { jobName, ownerLabel, ownerOf, runLabel, startSeconds } from "./job-spec";
import { finished, jobError, quietly, readLog, type StartedJob } from "./job-wait";
import { phase } from "./phases";
import { endTrouble } from "./pod-trouble";
import type { OnProgress } from "./progress";
import { restrictedJob } from "./restricted-job";
import type { ProbeSpec } from "./types";
import type { IsolationSeen } from "./types";

/** A pod that no NetworkPolicy admits anywhere. */
export interface Stranger {
  /** Short name for object names and progress. */
  readonly name: string;
  readonly namespace: string;
  /** @default none */
  readonly labels?: Readonly<Record<string, string>>;
}

/** What one stranger could reach. */
export interface StrangerReport {
  /** `a pod without labels in namespace default`. */
  readonly from: string;
  readonly results: readonly Reached[];
  /** Why it could not try, in a sentence. */
  readonly problem?: string;
}

/** What {@link tryIsolation} reads of a cutover. */
export interface IsolationInputs {
  readonly spec: { readonly name: string };
  readonly probe: Pick<ProbeSpec, "namespace" | "image" | "imagePullSecrets" | "consumers">;
}

/** How long the probe's own work takes at most, in seconds: `reach` of mcp-probe, with room for a busy node. */
const trySeconds = 60;

const ofTheFleet = `${managedByLabel}=${managedBy}`;

/**
 * Tries, from each stranger, every port of the fleet's ready pods: one pod of each workload, by its address. Only a
 * consumer should get through. The application's own pods are not asked: they serve whoever calls them.
 * @throws {UserError} when the pods cannot be listed; a stranger that could not try is a report with a `problem`
 */
export async function tryIsolation(
  kube: Kube,
  inputs: IsolationInputs,
  strangers: readonly Stranger[],
  onProgress?: OnProgress,
): Promise<StrangerReport[]> {
  const endpoints = await endpointsOf(kube, inputs.probe);
  return Promise.all(
    strangers.map(async (stranger) => {
      const from = placeOf(stranger);
      if (endpoints.length === 0) return { from, results: [] };
      try {
        return { from, results: await tryFrom(kube, inputs, stranger, endpoints, onProgress) };
      } catch (error) {
        if (!isUserError(error)) throw error;
        return { from, results: [], problem: error.problem };
      }
    }),
  );
}

/** The attempt of a run: from a pod without labels beside the servers. Never fails, since the run does not depend on it. */
export async function isolationSeen(
  kube: () => Promise<Kube>,
  inputs: IsolationInputs,
): Promise<IsolationSeen> {
  const strangers = [{ name: "stranger", namespace: inputs.probe.namespace }];
  return phase("isolation", {}, async (span) => {
    try {
      const isolation = isolationOf(await tryIsolation(await kube(), inputs, strangers));
      span.set({ enforced: isolation.enforced });
      return isolation;
    } catch (error) {
      const at = new Date().toISOString();
      return {
        enforced: "unknown",
        reason: isUserError(error) ? error.problem : messageOf(error),
        at,
      };
    }
  });
}

/** The verdict over all reports. */
export function isolationOf(reports: readonly StrangerReport[]): IsolationSeen {
  const at = new Date().toISOString();
  const open = reports.flatMap(({ from, results }) =>
    results
      .filter(({ reachable }) => reachable)
      .map(({ name, at }) => `${name} (${at}) from ${from}`),
  );
  if (open.length > 0) return { enforced: "no", reason: `Reached: ${open.join(", ")}.`, at };
  const tried = reports.filter(({ results }) => results.length > 0);
  const [first] = tried;
  if (first === undefined) {
    const problem = reports.find((one) => one.problem !== undefined)?.problem;
    return { enforced: "unknown", reason: problem ?? "No ready pod of the fleet to try.", at };
  }
  const places = tried.map(({ from }) => from).join(", ");
  return {
    enforced: "yes",
    reason: `None of ${first.results.length} ports of the fleet's pods took a connection from ${places}.`,
    at,
  };
}

function placeOf({ namespace, labels = {} }: Stranger): string {
  const wears = Object.keys(labels).length === 0 ? "without labels" : "with a consumer's labels";
  return `a pod ${wears} in namespace ${namespace}`;
}

async function endpointsOf(
  kube: Kube,
  { namespace, consumers }: IsolationInputs["probe"],
): Promise<Endpoint[]> {
  const { items } = await asking(kube, `list pods in ${namespace}`, () =>
    kube.core.listNamespacedPod({ namespace, labelSelector: ofTheFleet }),
  );
  const seen = new Set<string>();
  return items.flatMap((pod) => {
    const owner = pod.metadata?.ownerReferences?.[0]?.uid ?? pod.metadata?.uid ?? "";
    if (!isReady(pod) || seen.has(owner) || isApplication(pod, consumers)) return [];
    seen.add(owner);
    return endpointsIn(pod);
  });
}

function endpointsIn({ metadata, spec, status }: k8s.V1Pod): Endpoint[] {
  const ports = (spec?.containers ?? []).flatMap(({ ports: own = [] }) =>
    own
      .filter(({ protocol = "TCP" }) => protocol === "TCP")
      .map(({ containerPort }) => containerPort),
  );
  const name = metadata?.labels?.[nameLabel] ?? metadata?.name ?? "";
  return ports.map((port) => ({
    name: ports.length === 1 ? name : `${name}:${port}`,
    host: status?.podIP ?? "",
    port,
  }));
}

/** Whether it is a consumer's pod. Other pods of the fleet may have its labels too; {@link workloadLabel} marks them. */
function isApplication(
  { metadata }: k8s.V1Pod,
  consumers: IsolationInputs["probe"]["consumers"],
): boolean {
  const own = metadata?.labels ?? {};
  const marked = own[workloadLabel];
  if (marked !== undefined && marked !== "studio") return false;
  return consumers.some(({ labels }) =>
    Object.entries(labels).every(([key, value]) => own[key] === value),
  );
}

async function tryFrom(
  kube: Kube,
  { spec, probe }: IsolationInputs,
  stranger: Stranger,
  endpoints: readonly Endpoint[],
  onProgress?: OnProgress,
): Promise<Reached[]> {
  const { name: label, namespace, labels = {} } = stranger;
  const runId = randomUUID().slice(0, 8);
  const name = jobName(label, runId);
  const own = { [runLabel]: runId, [ownerLabel]: ownerOf(`${spec.name} isolation`) };
  const started: StartedJob = {
    ...{ namespace, name, label, limitSeconds: trySeconds + startSeconds },
    from: placeOf(stranger),
  };
  const body: k8s.V1Job = {
    metadata: { name, namespace, labels: own },
    spec: restrictedJob({
      activeSeconds: trySeconds + startSeconds + 60,
      labels: { ...labels, ...own },
      imagePullSecrets: namespace === probe.namespace ? probe.imagePullSecrets : [],
      container: {
        image: probe.image ?? "",
        args: ["reach"],
        env: [{ name: "MCP_PROBE_ENDPOINTS", value: jsonForEnv(endpoints) }],
      },
    }),
  };
  try {
    await asking(kube, `create Job ${namespace}/${name}`, () =>
      kube.batch.createNamespacedJob({ namespace, body }),
    );
    const { pod } = await finished(kube, started, onProgress);
    const log = await readLog(kube, namespace, pod);
    const results = resultsIn(log);
    if (results === undefined) throw jobError(started, endTrouble(pod, log));
    return results;
  } finally {
    await quietly(() =>
      kube.batch.deleteNamespacedJob({ namespace, name, propagationPolicy: "Background" }),
    );
  }
}

function resultsIn(log: string): Reached[] | undefined {
  const line = log.split("\n").find((one) => one.startsWith('{"results":'));
  if (line === undefined) return undefined;
  try {
    const { results } = JSON.parse(line) as { results: Reached[] };
    return results.map(({ name, at, reachable }) => ({
      ...{ name: cleanLine(String(name)), at: cleanLine(String(at)) },
      reachable: reachable === true,
    }));
  } catch {
    return undefined; // a line that the kubelet cut
  }
}
