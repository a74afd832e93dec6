import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type Cluster, ensureCluster } from "../lab/cluster";
import { findEngine } from "../lab/engine";
import { ensureImages } from "../lab/images";
import { type Kube, openKube } from "../lab/kube";
import { consoleLog } from "../lab/log";
import { eventually } from "../test/support/eventually";
import { onCluster } from "../test/support/example";
import { labStack, plainConfig } from "../test/support/lab-stack";
import { hostVolume } from "../test/support/volume";
import { logLogChart } from "./chart";
import { type CountingProxy, countingProxy } from "./counting-proxy";
import { secondsIn } from "./process";
import { describeMachine, median, record, say } from "./results";

/** Agents; for five of them there is one server. */
const sizes = [100, 300, 1000] as const;
/** Ten times the agents may take a little more than ten times as long. */
const growthGoal = 12;
const definition = "customresourcedefinitions/mcpagents.mesh.mcp.io";

/** One stack, from nothing to the end of its run, and the same run again with nothing to do. */
interface Measured {
  readonly seconds: number;
  readonly againSeconds: number;
  readonly peakMiB: number;
  readonly requests: number;
  readonly throttled: number;
  readonly objects: number;
}

/**
 * A mesh of agents and servers in one stack, made in the lab's real API server: the registry runs, of
 * the others there are the objects and no pod. Each size has a namespace of its own and nothing stays.
 * @param args how many rounds. Default: 1
 */
export async function benchMesh([given = "1"]: readonly string[]): Promise<void> {
  const cluster = await ensureCluster(consoleLog());
  if (cluster.engine !== "bare") {
    say("The bench mesh is left out: the registry's volume is a directory of this machine.");
    return;
  }
  const images = await ensureImages(cluster, consoleLog(), ["mesh-registry"]);
  say(describeMachine({ Pulumi: (await findEngine(consoleLog())).version }));
  const measured = new Map<number, Measured[]>(sizes.map((size) => [size, []]));
  for (let round = 0; round < Number(given); round += 1) {
    for (const size of sizes) {
      measured.get(size)?.push(await oneStack(cluster, images["mesh-registry"], size));
    }
  }
  report(measured);
}

function report(measured: ReadonlyMap<number, readonly Measured[]>): void {
  const of = (size: number, what: keyof Measured): number[] =>
    (measured.get(size) ?? []).map((one) => one[what]);
  const [some, , most] = sizes;
  const pairs = (what: keyof Measured): { ours: number; peer: number }[] =>
    of(most, what).map((ours, i) => ({ ours, peer: of(some, what)[i] ?? 0 }));
  const name = `mesh, ${most} agents and ${most / 5} servers`;
  record(`${name}, against ${some} and ${some / 5}`, "s", growthGoal, pairs("seconds"));
  record(`${name}, API requests, the same`, "requests", growthGoal, pairs("requests"));
  record(`${name}, memory, the same`, "MiB", growthGoal, pairs("peakMiB"));
  for (const size of sizes) {
    const middle = (what: keyof Measured): string => median(of(size, what)).toFixed(0);
    const seconds = (what: "seconds" | "againSeconds"): string => median(of(size, what)).toFixed(1);
    say(
      `  ${size} agents, ${size / 5} servers: ${middle("objects")} objects in ${seconds("seconds")} s, ` +
        `${middle("peakMiB")} MiB, ${middle("requests")} requests, ` +
        `${Math.max(...of(size, "throttled"))} of them turned away; again with nothing to do ${seconds("againSeconds")} s`,
    );
  }
  const points = (what: "seconds" | "againSeconds"): (readonly [number, number])[] =>
    sizes.map((size) => [size, median(of(size, what))] as const);
  writeFileSync(
    "docs/mesh-time.svg",
    logLogChart("Time of a mesh in a real API server, by agents", { x: "agents", y: "seconds" }, [
      { name: "from nothing", color: "#0b6", points: points("seconds") },
      { name: "nothing to do", color: "#06b", points: points("againSeconds") },
    ]),
  );
}

async function oneStack(cluster: Cluster, image: string, agents: number): Promise<Measured> {
  const kube = await openKube(cluster);
  const namespace = `bench-mesh-${agents}-${process.pid}`;
  const directory = mkdtempSync(join(tmpdir(), "mcp-fleet-bench-mesh-"));
  const volume = join(directory, "volume");
  mkdirSync(volume);
  // The kubelet's pod is another user's.
  for (const path of [directory, volume]) chmodSync(path, 0o777);
  const defined = (await onCluster(cluster, "get", "--ignore-not-found", definition)) !== "";
  const proxy = await countingProxy(cluster.kubeconfig, cluster.context);
  try {
    await kube.apply([hostVolume(namespace, volume)]);
    return await measure(proxy, namespace, stackOf(namespace, image, agents), directory);
  } finally {
    proxy.stop();
    await clearAway(cluster, kube, namespace, defined);
    rmSync(directory, { recursive: true, force: true });
  }
}

async function measure(
  proxy: CountingProxy,
  namespace: string,
  values: Readonly<Record<string, unknown>>,
  directory: string,
): Promise<Measured> {
  const config = plainConfig({ "kubernetes:kubeconfig": proxy.kubeconfig, ...values, namespace });
  const stack = await labStack(namespace, proxy.kubeconfig, config);
  let objects = 0;
  const up = async (): Promise<void> => {
    const { changes } = await stack.up({ timeoutSeconds: 1800 });
    objects = changes.length;
  };
  const peaks = join(directory, "peaks");
  process.env.MCP_FLEET_PEAK_MEMORY = peaks;
  process.env.NODE_OPTIONS = `--require=${join(__dirname, "peak-memory.js")}`;
  try {
    const seconds = await secondsIn(up);
    const { requests, throttled } = proxy.count();
    const peakMiB = Math.max(...readFileSync(peaks, "utf8").trim().split("\n").map(Number));
    const made = objects;
    const againSeconds = await secondsIn(up);
    return { seconds, againSeconds, peakMiB, requests, throttled, objects: made };
  } finally {
    delete process.env.MCP_FLEET_PEAK_MEMORY;
    delete process.env.NODE_OPTIONS;
  }
}

function stackOf(
  namespace: string,
  image: string,
  agents: number,
): Readonly<Record<string, unknown>> {
  const named = (count: number, what: string, value: object): object =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`${what}-${n}`, value]));
  const agent = {
    image: "registry.example/agent:1.0.0",
    replicas: 0,
    capabilities: [{ name: "greeting", version: "1.0.0" }],
  };
  const server = {
    ...{ source: "image", image: "registry.example/server:1.0.0", port: 8000, path: "/mcp" },
    replicas: 0,
  };
  const sqlite = { size: "64Mi", storageClass: namespace };
  return {
    ...{ application: "mcp-mesh", cutover: { enabled: false }, studio: { enabled: false } },
    servers: named(agents / 5, "server", server),
    mesh: { registry: { image, storage: { sqlite } }, agents: named(agents, "agent", agent) },
  };
}

async function clearAway(
  cluster: Cluster,
  kube: Kube,
  namespace: string,
  defined: boolean,
): Promise<void> {
  await kube.core.deleteNamespace({ name: namespace }).catch(() => undefined);
  const gone = async (): Promise<boolean> =>
    !(await kube.core.listNamespace()).items.some(({ metadata }) => metadata?.name === namespace);
  await eventually(`namespace ${namespace} is gone`, gone, 600);
  await kube.core.deletePersistentVolume({ name: namespace }).catch(() => undefined);
  if (!defined) await onCluster(cluster, "delete", "--ignore-not-found", definition);
}
