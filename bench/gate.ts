import { setTimeout as sleep } from "node:timers/promises";

import { getJson, isReady, nameLabel } from "@mcp-fleet/kube";
import { gateContainer } from "@mcp-fleet/schema";

import { labNamespace } from "../lab/companions";
import { type ConfigOverrides, labServers } from "../lab/config";
import type { Lab } from "../lab/session";
import { installationBefore } from "../test/support/lab";
import { alternately, secondsIn } from "./process";
import { describeMachine, record, say } from "./results";

const goals = { start: 1.3, memory: 1, cpu: 1, cutover: 1.1 };
/** What a gate may take at rest: MiB, and of a CPU. */
const most = { memory: 60, cpu: 0.005 };
/** How long a gate is looked at, in seconds. */
const restSeconds = 60;
/** It starts no process for each client, so its gate may ask it always. */
const server = { key: "atlassian", service: "llmctl-mcp-atlassian" };

/**
 * The gate: how much later a server's pod is Ready, what it takes at rest, and the whole cutover with gates beside the one
 * without. Leaves the lab as it is before a cutover.
 * @param args the number of pairs. Default: 3
 */
export async function benchGate([given = "3"]: readonly string[]): Promise<void> {
  const rounds = Number(given);
  let lab = await installationBefore("jsonb");
  say(describeMachine({ Pulumi: lab.engine.version }));
  const cutover = async (servers: ConfigOverrides): Promise<number> => {
    lab = await installationBefore("jsonb");
    return secondsIn(() => lab.up("in-cluster", servers));
  };
  const whole = await alternately(
    rounds,
    () => cutover(gated(lab, "start")),
    () => cutover({}),
  );
  record("whole cutover, each server with a gate, beside without", "s", goals.cutover, whole);
  const ready = async (gate: string): Promise<number> => {
    await lab.up("in-cluster", gated(lab, gate));
    return secondsToReady(lab);
  };
  const started = await alternately(
    rounds,
    () => ready("start"),
    () => ready("off"),
  );
  record("a pod's start to Ready, with a gate, beside without", "s", goals.start, started);
  await lab.up("in-cluster", gated(lab, "always"));
  await atRest(lab);
  await installationBefore("jsonb");
}

function gated({ facts }: Lab, gate: string): ConfigOverrides {
  const all = labServers(facts.images);
  // A bridge's gate asks at its start alone.
  const of = (key: string): string => (gate === "always" && key !== server.key ? "start" : gate);
  return {
    servers: Object.fromEntries(
      Object.entries(all).map(([key, own]) => [key, { ...own, gate: of(key) }]),
    ),
  };
}

/** Deletes the server's pod, and looks every 100 ms until its successor is Ready. */
async function secondsToReady({ kube }: Lab): Promise<number> {
  const labelSelector = `${nameLabel}=${server.service}`;
  const pods = async () =>
    (await kube.core.listNamespacedPod({ namespace: labNamespace, labelSelector })).items;
  await kube.waitForDeployment(labNamespace, server.service, 120);
  const [old] = await pods();
  const uid = old?.metadata?.uid;
  const deleted = performance.now();
  await kube.core.deleteNamespacedPod({
    ...{ namespace: labNamespace, name: old?.metadata?.name ?? "" },
    gracePeriodSeconds: 0,
  });
  for (;;) {
    const next = (await pods()).find(({ metadata }) => metadata?.uid !== uid);
    if (next !== undefined && isReady(next)) return (performance.now() - deleted) / 1000;
    await sleep(100);
  }
}

/** The kubelet's summary, as far as it is read. */
interface Summary {
  readonly pods: readonly {
    readonly podRef: { readonly name: string };
    readonly containers: readonly {
      readonly name: string;
      readonly memory?: { readonly workingSetBytes?: number };
      readonly cpu?: { readonly usageCoreNanoSeconds?: number; readonly time: string };
    }[];
  }[];
}

/** Memory and CPU of one gate that asks always. */
async function atRest({ kube }: Lab): Promise<void> {
  await kube.waitForDeployment(labNamespace, server.service, 120);
  const labelSelector = `${nameLabel}=${server.service}`;
  const { items } = await kube.core.listNamespacedPod({ namespace: labNamespace, labelSelector });
  const pod = items.find(isReady);
  const path = `/api/v1/nodes/${pod?.spec?.nodeName ?? ""}/proxy/stats/summary`;
  const look = async () => {
    const { pods } = await getJson<Summary>(kube, path);
    const own = pods.find(({ podRef }) => podRef.name === pod?.metadata?.name);
    const gate = own?.containers.find(({ name }) => name === gateContainer);
    if (gate === undefined) throw new Error("the kubelet says nothing of the gate");
    return {
      memory: (gate.memory?.workingSetBytes ?? 0) / 1024 / 1024,
      cpu: (gate.cpu?.usageCoreNanoSeconds ?? 0) / 1e9,
      at: Date.parse(gate.cpu?.time ?? "") / 1000,
    };
  };
  await sleep(20_000); // its start is no rest
  const first = await look();
  await sleep(restSeconds * 1000);
  const last = await look();
  record("a gate at rest, memory, beside what it may take", "MiB", goals.memory, [
    { ours: last.memory, peer: most.memory },
  ]);
  record("a gate at rest, CPU in 100 s, beside what it may take", "s", goals.cpu, [
    { ours: (100 * (last.cpu - first.cpu)) / (last.at - first.at), peer: 100 * most.cpu },
  ]);
}
