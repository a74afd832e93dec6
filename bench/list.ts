import { serverSelector } from "@mcp-fleet/kube";

import { ensureCluster } from "../lab/cluster";
import { type Kube, openKube } from "../lab/kube";
import { consoleLog } from "../lab/log";
import { serverObjects } from "../test/support/servers";
import { alternately, secondsOf } from "./process";
import { record } from "./results";

const goal = 2;

/**
 * `mcp-fleet list` beside kubectl for the same Deployments and Services of a real API server, with no pod behind them,
 * each way in turn. Makes a namespace for them in the lab's cluster and removes it.
 * @param args how many servers, with the number of pairs where that is to be another: `1000x15`. Default: 1000x9
 */
export async function benchList([size = "1000"]: readonly string[]): Promise<void> {
  const [servers = 1000, rounds = 9] = size.split("x").map(Number);
  const cluster = await ensureCluster(consoleLog());
  const kube = await openKube(cluster);
  const namespace = `bench-list-${process.pid}`;
  await kube.core.createNamespace({ body: { metadata: { name: namespace } } });
  try {
    await makeServers(kube, namespace, servers);
    const env = { KUBECONFIG: cluster.kubeconfig };
    const where = ["-n", namespace, "--context", cluster.context];
    const ours = (): Promise<number> =>
      secondsOf(process.execPath, ["bin/mcp-fleet.cjs", "list", ...where], env);
    const peer = (): Promise<number> =>
      secondsOf("kubectl", ["get", "deployments,services", "-l", serverSelector, ...where], env);
    await Promise.all([ours(), peer()]); // caches of Node.js, of kubectl and of the API server
    const pairs = await alternately(rounds, ours, peer);
    record(`list of ${servers.toLocaleString("en")} servers, kubectl`, "s", goal, pairs);
  } finally {
    await kube.core.deleteNamespace({ name: namespace });
  }
}

async function makeServers(kube: Kube, namespace: string, servers: number): Promise<void> {
  const names = Array.from({ length: servers }, (_, index) => `server-${index}`);
  const workers = Array.from({ length: 16 }, async () => {
    for (let name = names.pop(); name !== undefined; name = names.pop()) {
      await kube.apply(serverObjects({ name, namespace, image: "none", replicas: 0 }));
    }
  });
  await Promise.all(workers);
}
