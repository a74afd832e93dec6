import { setTimeout as sleep } from "node:timers/promises";

import { isUserError, messageOf } from "@mcp-fleet/errors";

import { readConfig } from "./config";
import { closeServer, createHttpServer, listen } from "./http";
import { Studio } from "./studio";

/** Requests still running after the drain get this long, in seconds. */
const closeSeconds = 5;

function log(text: string): void {
  process.stdout.write(`${new Date().toISOString()} studio: ${text}\n`);
}

function explain(error: unknown): string {
  return isUserError(error) ? `${error.problem} ${error.fix}` : messageOf(error);
}

async function main(): Promise<void> {
  const config = readConfig(process.env);
  const studio = new Studio(config, log);
  const server = createHttpServer(studio, log);

  let ending: Promise<void> | undefined;
  const end = async (): Promise<void> => {
    log(`stopping: readiness fails now, requests are answered for ${config.drainSeconds} s more`);
    studio.drain();
    await sleep(config.drainSeconds * 1000);
    await closeServer(server, closeSeconds);
    await studio.close();
    log("stopped");
    process.exit(0);
  };
  for (const name of ["SIGTERM", "SIGINT"] as const) {
    process.on(name, () => {
      ending ??= end().catch((error: unknown) => {
        log(explain(error));
        process.exit(1);
      });
    });
  }

  const port = await listen(server, config.port);
  log(`${config.mode}, listening on port ${port}`);
  try {
    await studio.boot();
  } catch (error) {
    // A signal during the boot stops it and is not a failure.
    if (ending === undefined) {
      await studio.close().catch(() => undefined);
      throw error;
    }
  }
}

main().catch((error: unknown) => {
  log(`cannot start: ${explain(error)}`);
  process.exit(1);
});
