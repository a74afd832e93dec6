import { clusterStatus, ensureCluster, stopCluster } from "../../lab/cluster";
import { compareFootprints, footprint } from "../../lab/cluster/footprint";
import { consoleLog } from "../../lab/log";

/**
 * `node dist/test/lab/footprint-check.js`: starts the cluster, stops it, and exits with code 1 when the machine
 * differs from before. Not part of the test rungs, because it would stop their cluster.
 */
async function main(): Promise<void> {
  if ((await clusterStatus()).running) {
    throw new Error("a cluster runs; stop it first with `make down`");
  }
  const before = await footprint();
  const cluster = await ensureCluster(consoleLog());
  const during = compareFootprints(before, await footprint());
  await stopCluster();
  const left = compareFootprints(before, await footprint());
  process.stdout.write(
    `${cluster.engine}: ${during.length} traces while running, ${left.length} after\n`,
  );
  for (const line of left) process.stdout.write(`${line}\n`);
  if (during.length === 0) throw new Error("nothing was seen while it ran: the check is blind");
  if (left.length > 0) process.exitCode = 1;
}

main().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
