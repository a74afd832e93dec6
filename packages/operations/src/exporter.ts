import { randomUUID } from "node:crypto";
import { createServer, type Server } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

import type { Credentials } from "@mcp-fleet/cutover-runner";
import { withRun } from "@mcp-fleet/telemetry";

import { CheckMetrics } from "./check-metrics";
import { type CheckRound, runChecks } from "./checks";
import type { Fleet } from "./fleet";

/** The exporter's options. */
export interface ExporterOptions {
  /** Port of `/metrics` and `/healthz`; 0 takes a free one. */
  readonly port: number;
  /** Pause between two rounds, in seconds. */
  readonly intervalSeconds: number;
  readonly signal: AbortSignal;
  readonly onListening?: (port: number) => void;
  readonly onRound?: (round: CheckRound) => void;
}

/** Runs both checks repeatedly and serves the results, until `signal` is aborted. */
export async function serveMetrics(
  fleet: Fleet,
  credentials: Credentials,
  { port, intervalSeconds, signal, onListening, onRound }: ExporterOptions,
): Promise<void> {
  const metrics = new CheckMetrics(fleet.spec.name);
  const server = await listen(metrics, port);
  const address = server.address();
  onListening?.(typeof address === "object" && address !== null ? address.port : port);
  try {
    while (!signal.aborted) {
      await withRun(randomUUID(), async () => {
        onRound?.(await runChecks(fleet, credentials, metrics));
      });
      await sleep(intervalSeconds * 1000, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

function listen(metrics: CheckMetrics, port: number): Promise<Server> {
  const server = createServer((request, response) => {
    if (request.url === "/healthz") return void response.end("ok\n");
    if (request.url !== "/metrics") return void response.writeHead(404).end();
    void metrics.registry.metrics().then((text) => {
      response.writeHead(200, { "content-type": metrics.registry.contentType }).end(text);
    });
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, () => resolve(server));
  });
}

/**
 * Sends the gauges of one round to a Pushgateway, as the group `mcp-fleet` of this cutover, replacing the
 * previous ones.
 * @throws Error when it rejects them
 */
export async function pushMetrics(
  metrics: CheckMetrics,
  gateway: string,
  cutover: string,
): Promise<void> {
  const { Pushgateway } = await import("prom-client");
  const client = new Pushgateway(gateway, { timeout: 20_000 }, metrics.registry);
  // A value in the group's path cannot contain a slash.
  const instance = cutover.replaceAll("/", "_");
  await client.push({ jobName: "mcp-fleet", groupings: { instance } });
}
