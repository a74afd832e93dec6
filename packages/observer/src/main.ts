#!/usr/bin/env node
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

import { isUserError, messageOf } from "@mcp-fleet/errors";
import { type Log, openLog, withRun } from "@mcp-fleet/telemetry";

import { openCluster } from "./cluster";
import { parseConfig } from "./config";
import { observe } from "./observe";
import { Recorder } from "./record";

/** Logs a lasting problem only once. */
function reporter(log: Log): {
  look: () => void;
  report: (source: string, problem: string) => void;
} {
  let before = new Set<string>();
  let now = new Set<string>();
  return {
    look: () => {
      [before, now] = [now, new Set()];
    },
    report: (source, problem) => {
      const key = `${source} ${problem}`;
      if (!before.has(key) && !now.has(key)) log.warn({ source }, problem);
      now.add(key);
    },
  };
}

/** Observes every few seconds until the process is told to stop; serves `/metrics` and `/healthz`. */
async function main(): Promise<void> {
  const config = parseConfig(process.env.OBSERVER_CONFIG);
  const cluster = await openCluster(config.namespace, config.application);
  const recorder = new Recorder();
  const log = await openLog("mcp-fleet-observer", 1);
  const problems = reporter(log);
  let looked = false;
  const server = createServer((request, response) => {
    if (request.url === "/healthz") {
      response.writeHead(looked ? 200 : 503).end();
      return;
    }
    if (request.url !== "/metrics") {
      response.writeHead(404).end();
      return;
    }
    void recorder.registry.metrics().then((text) => {
      response.writeHead(200, { "content-type": recorder.registry.contentType }).end(text);
    });
  });
  server.listen(config.port);
  const end = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => end.abort());
  log.info({ namespace: config.namespace, port: config.port }, "observing");
  while (!end.signal.aborted) {
    problems.look();
    const seen = await withRun(randomUUID(), () => observe(config, cluster, problems.report));
    recorder.record(seen);
    looked = true;
    await sleep(config.intervalSeconds * 1000, undefined, { signal: end.signal }).catch(() => {});
  }
  server.close();
  server.closeAllConnections();
}

main().catch((error: unknown) => {
  process.stderr.write(`${isUserError(error) ? error.message : messageOf(error)}\n`);
  process.exitCode = isUserError(error) ? error.exitCode : 1;
});
