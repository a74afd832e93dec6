import { stopCluster } from "./cluster";
import { stopDatabase } from "./database";
import { forgetStacks } from "./engine";
import type { Log } from "./log";
import { paths } from "./paths";

/** Stops and removes everything the lab started. Built binaries and images stay in the cache. */
export async function down(log: Log): Promise<void> {
  const database = await log.step("Stopping PostgreSQL and removing its data", () =>
    stopDatabase(),
  );
  await log.step("Stopping the cluster", () => stopCluster());
  forgetStacks();
  process.stdout.write(
    `The lab is down${database ? "" : " (no database was running)"}. The cache stays in ${paths.cache}.\n`,
  );
}
