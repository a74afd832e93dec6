import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { stopCluster } from "./cluster";
import { stopDatabase } from "./database";
import { forgetAllStacks } from "./engine";
import type { Log } from "./log";
import { paths } from "./paths";

/** Stops and removes everything the lab started. Built binaries and images stay in the cache. */
export async function down(log: Log): Promise<void> {
  const database = await log.step("Stopping PostgreSQL and removing its data", stopDatabases);
  await log.step("Stopping the cluster", () => stopCluster());
  forgetAllStacks();
  process.stdout.write(
    `The lab is down${database ? "" : " (no database was running)"}. The cache stays in ${paths.cache}.\n`,
  );
}

/**
 * Stops the databases of all installations.
 * @returns whether there was one of `make up`
 */
async function stopDatabases(): Promise<boolean> {
  const others = existsSync(paths.installations) ? readdirSync(paths.installations) : [];
  for (const name of others) await stopDatabase({ runDir: join(paths.installations, name) });
  return stopDatabase({ runDir: paths.run });
}
