import {
  askServers,
  type Credentials,
  type OnProgress,
  withDatabase,
} from "@mcp-fleet/cutover-runner";
import { isUserError } from "@mcp-fleet/errors";
import { connectKube } from "@mcp-fleet/kube";
import { listMcpServers } from "@mcp-fleet/lifecycle";
import type { ProbeResult, ProbeTarget } from "@mcp-fleet/mcp-probe";
import {
  type LedgerState,
  readEndpoints,
  readRuns,
  type RowEndpoint,
  sameServer,
  type ToolLists,
} from "@mcp-fleet/row-cutover";

import { type Contradiction, contradictionsIn } from "./contradictions";
import type { Fleet } from "./fleet";
import { serviceAddress } from "./services";
import { compareTools, type ToolChanges } from "./tools";
import type { VerifiedServer } from "./verified-server";

/** The result of {@link verify}. */
export interface VerifyReport {
  readonly cutover: string;
  /** Newest generation in the ledger; 0 before the first cutover. */
  readonly generation: number;
  /** The generation whose tool lists were compared; 0 when none has any. */
  readonly recordedIn: number;
  readonly servers: readonly VerifiedServer[];
  /** Servers that are not ok, each counted once. */
  readonly failed: number;
  /** Failed servers that work for another consumer. */
  readonly contradictions: readonly Contradiction[];
}

/**
 * Probes every endpoint that a row names, and every server of the stack, from a pod with the application's
 * labels, and compares the tools with those that the ledger recorded at the newest cutover.
 * @param onProgress receives progress messages, since it may take a minute
 * @throws {UserError} when database or cluster does not answer; a failed server is a finding
 */
export async function verify(
  fleet: Fleet,
  credentials: Credentials,
  onProgress?: OnProgress,
): Promise<VerifyReport> {
  onProgress?.("reading ledger and rows");
  const [runs, endpoints] = await withDatabase(fleet, credentials, async (db) => [
    await readRuns(db, fleet.spec),
    await readEndpoints(db, fleet.spec),
  ]);
  const recorded = runs.find((run) => Object.keys(run.tools ?? {}).length > 0);
  const targets = targetsOf(fleet, endpoints);
  const probes = await askServers({ ...fleet, targets }, credentials, onProgress);
  const seen = probes.flatMap(({ consumer, results }) =>
    results.map((result) => verified(result, consumer, recorded?.tools)),
  );
  const servers = seen.every(({ ok }) => ok) ? seen : await explained(seen, fleet, credentials);
  return {
    cutover: fleet.spec.name,
    generation: newest(runs),
    recordedIn: recorded?.generation ?? 0,
    servers,
    failed: new Set(servers.filter(({ ok }) => !ok).map(({ server }) => server)).size,
    contradictions: contradictionsIn(servers),
  };
}

/**
 * Adds the cluster's explanation for servers that are not ok. Optional: without access to the cluster it is
 * omitted.
 */
export async function explained(
  seen: readonly VerifiedServer[],
  { kubernetes, probe: { namespace } }: Fleet,
  credentials: Credentials,
): Promise<VerifiedServer[]> {
  try {
    const kube = await connectKube(kubernetes, credentials);
    const known = await listMcpServers(kube, { namespace });
    return seen.map((one) => {
      const service = one.ok ? undefined : serviceAddress(one.url, namespace)?.service;
      if (service === undefined) return one;
      const server = known.find(({ services }) => services.includes(service));
      if (server === undefined)
        return { ...one, inTheWay: [`Service ${service} leads to no MCP server`] };
      const { kind, workload, status, reason, obstacles } = server;
      const state = status === "running" ? [] : [`${kind} ${workload} is ${status}`];
      const inTheWay = [[...state, reason ?? ""].filter(Boolean).join(": "), ...obstacles];
      return { ...one, inTheWay: inTheWay.filter((text) => text !== "") };
    });
  } catch (error) {
    if (!isUserError(error)) throw error;
    return [...seen];
  }
}

function newest(runs: readonly LedgerState[]): number {
  return runs[0]?.generation ?? 0;
}

/**
 * The stack's own targets with their credentials, and every other URL in the rows, which may be another path of
 * one of them.
 */
function targetsOf(fleet: Fleet, endpoints: readonly RowEndpoint[]): ProbeTarget[] {
  const known = new Set(fleet.targets.map(({ url }) => url));
  const others = new Map(
    endpoints.flatMap(({ key, url }) =>
      url === undefined || known.has(url) ? [] : [[url, `${key} (row)`]],
    ),
  );
  return [
    ...fleet.targets,
    ...[...others].map(([url, name]) => ({
      ...fleet.targets.find((one) => sameServer(url, one.url)),
      name,
      url,
    })),
  ];
}

function verified(
  result: ProbeResult,
  consumer: string,
  recorded: ToolLists | undefined,
): VerifiedServer {
  const before = recorded?.[result.name];
  const compared = before !== undefined && result.tools !== undefined;
  const changes = compared
    ? compareTools(before, result.tools)
    : { missing: [], renamed: [], added: [] };
  const problem = result.ok ? toolProblem(changes) : result.message;
  return {
    server: result.name,
    url: result.url,
    consumer,
    ok: problem === "",
    outcome: result.outcome,
    problem,
    protocolVersion: result.protocolVersion ?? "",
    serverVersion: result.serverVersion ?? "",
    latencyMs: result.latencyMs,
    tools: result.tools?.length ?? 0,
    compared,
    ...changes,
  };
}

function toolProblem({ missing, renamed }: ToolChanges): string {
  const gone = missing.length === 0 ? [] : [`lists ${missing.join(", ")} no more`];
  const moved = renamed.map(({ from, to }) => `calls ${from} now ${to}`);
  const all = [...gone, ...moved];
  return all.length === 0 ? "" : `The server ${all.join(", and ")}.`;
}
