import { performance } from "node:perf_hooks";

import { execa } from "execa";

import { ensureCluster } from "../lab/cluster";
import { openKube } from "../lab/kube";
import { silentLog } from "../lab/log";
import { serverObjects } from "../test/support/servers";

/** `mcp-fleet list` beside kubectl for the same objects. */
export interface ListResult {
  readonly servers: number;
  /** Medians, in seconds. */
  readonly mcpFleet: number;
  readonly kubectl: number;
  readonly ratio: number;
}

/**
 * Lists so many servers of a real API server, with no pod behind them, `runs` times each way in turn, and takes the
 * medians. Makes a namespace for it and removes it.
 */
export async function benchList(servers = 1000, runs = 5): Promise<ListResult> {
  const cluster = await ensureCluster(silentLog);
  const kube = openKube(cluster.kubeconfig, cluster.context);
  const namespace = `bench-list-${process.pid}`;
  await kube.core.createNamespace({ body: { metadata: { name: namespace } } });
  try {
    const names = Array.from({ length: servers }, (_, index) => `server-${index}`);
    const workers = Array.from({ length: 16 }, async () => {
      for (let name = names.pop(); name !== undefined; name = names.pop()) {
        await kube.apply(serverObjects({ name, namespace, image: "none", replicas: 0 }));
      }
    });
    await Promise.all(workers);
    const env = { KUBECONFIG: cluster.kubeconfig };
    const selector = "app.kubernetes.io/component=mcp-server";
    const where = ["-n", namespace, "--context", cluster.context];
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let run = 0; run < runs; run += 1) {
      ours.push(await seconds(process.execPath, ["bin/mcp-fleet.cjs", "list", ...where], env));
      theirs.push(
        await seconds("kubectl", ["get", "deployments,services", "-l", selector, ...where], env),
      );
    }
    const [mcpFleet, kubectl] = [median(ours), median(theirs)];
    return { servers, mcpFleet, kubectl, ratio: mcpFleet / kubectl };
  } finally {
    await kube.core.deleteNamespace({ name: namespace });
  }
}

async function seconds(
  command: string,
  args: readonly string[],
  env: Record<string, string>,
): Promise<number> {
  const started = performance.now();
  await execa(command, args, { env, timeout: 60_000 });
  return (performance.now() - started) / 1000;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
