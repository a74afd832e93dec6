import { isUserError } from "@mcp-fleet/errors";

import { consoleLog } from "../log";
import { clusterStatus, ensureCluster, stopCluster } from "./index";

/** `node dist/lab/cluster/cli.js up|down|status`: the cluster alone, without the rest of the lab. */
async function main(command: string | undefined): Promise<void> {
  if (command === "up") await ensureCluster(consoleLog());
  else if (command === "down") await stopCluster();
  else if (command !== "status") throw new Error("up, down or status?");
  process.stdout.write(`${JSON.stringify(await clusterStatus(), null, 2)}\n`);
}

main(process.argv[2]).catch((error: unknown) => {
  process.stderr.write(`${isUserError(error) ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
