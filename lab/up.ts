import type { ProbedServer } from "@mcp-fleet/cutover-runner";

import { labNamespace } from "./companions";
import type { DatabaseRequest } from "./database";
import type { Log } from "./log";
import { probeTable, rowsTable, studioTable } from "./report";
import { type Lab, markRun, openLab } from "./session";

/** How long Studio may take to report that it is connected, in milliseconds. */
const studioMillis = 60_000;

/**
 * Starts the lab and runs the cutover. On a fresh lab the application is installed first in its old form: Studio
 * with its bundled servers. Then one run of the program moves it.
 */
export async function up(request: Omit<DatabaseRequest, "listen">, log: Log): Promise<void> {
  const lab = await openLab(request, log);
  if (lab.fresh) {
    await log.step(
      "The installation before: Studio with its bundled servers (target embedded)",
      () => lab.up("embedded", { servers: {}, serverSecrets: {} }),
    );
    await waitForStudio(lab, "embedded");
    markRun();
  }
  const before = await lab.rows();
  const result = await log.step(
    "The cutover: servers, probe, rows, Studio (target in-cluster)",
    () => lab.up("in-cluster"),
  );
  const view = await waitForStudio(lab, "in-cluster");
  const changed = result.changes.filter((change) => change.op !== "same").length;
  const probes = (result.outputs.probes ?? []) as readonly ProbedServer[];
  const urls = result.outputs.servers as Record<string, string>;

  print(`\nServers, as the probe Jobs saw them from pods with Studio's labels`);
  print(probeTable(probes, urls));
  print(`\nRows of mcp_servers`);
  print(rowsTable(before, await lab.rows()));
  print(`\nStudio's own view (pod ${view.pod}, ${view.mode})`);
  print(studioTable(view));
  print(
    `\n${changed} resources changed, generation ${String(result.outputs.generation)}. Next: make rollback, make preview, make status; make down removes it all.
A shell that speaks to the lab: eval "$(make env)", then pulumi preview, pulumi stack history, kubectl -n ${labNamespace} get pods, psql, mcp-fleet list -n ${labNamespace}.`,
  );
}

/** Back to the bundled servers: rows first, then Studio. */
export async function rollback(log: Log): Promise<void> {
  const lab = await openLab({}, log);
  const before = await lab.rows();
  const result = await log.step("Rolling back: rows, then Studio (target embedded)", () =>
    lab.up("embedded"),
  );
  const view = await waitForStudio(lab, "embedded");
  print(`\nRows of mcp_servers`);
  print(rowsTable(before, await lab.rows()));
  print(`\nStudio's own view (pod ${view.pod}, ${view.mode})`);
  print(studioTable(view));
  print(`\nGeneration ${String(result.outputs.generation)}. Next: make up goes forward again.`);
}

/** Waits until Studio in this mode reports that it is connected to every server. */
async function waitForStudio(lab: Lab, mode: string): ReturnType<Lab["studio"]> {
  const deadline = Date.now() + studioMillis;
  for (;;) {
    const view = await lab.studio().catch(() => undefined);
    const connected = view?.servers.every((server) => server.connected) === true;
    if (view !== undefined && view.mode === mode && (connected || Date.now() > deadline)) {
      return view;
    }
    if (Date.now() > deadline + studioMillis) {
      throw new Error(`Studio does not answer in mode ${mode}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
