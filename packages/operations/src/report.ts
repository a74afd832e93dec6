import { type Credentials, withDatabase } from "@mcp-fleet/cutover-runner";
import { isUserError, UserError } from "@mcp-fleet/errors";
import { asking, connectKube, generationLabel, serverSelector } from "@mcp-fleet/kube";
import { listMcpServers, type McpServerSummary } from "@mcp-fleet/lifecycle";
import { type LedgerState, readRunRows, readRuns, type RunRow } from "@mcp-fleet/row-cutover";

import type { Fleet } from "./fleet";
import type { ListedUpdate } from "./updates";

/** A phase with start and end, or a moment. */
export interface TimelineEntry {
  readonly phase: "server" | "probe" | "rows" | "rollout" | "settle";
  readonly what: string;
  /** ISO 8601. */
  readonly from: string;
  readonly to?: string;
}

/** The content of a page about one cutover. Values that may be secret are masked. */
export interface CutoverReport {
  readonly cutover: string;
  readonly run: LedgerState;
  /** The ledger's newest generation. */
  readonly newest: number;
  readonly rows: readonly RunRow[];
  readonly timeline: readonly TimelineEntry[];
  /** The engine's update that changed the rows, if there is a history. */
  readonly update?: ListedUpdate;
  /** The current state of the cluster's servers; only for the newest generation and if the cluster answered. */
  readonly servers?: readonly McpServerSummary[];
  /** Why something is missing, one sentence each. */
  readonly gaps: readonly string[];
}

/**
 * Collects what ledger, journal, state and cluster know about one generation.
 * @param generation the newest one when it is omitted
 * @throws UserError when the ledger has no such generation
 */
export async function cutoverReport(
  fleet: Fleet,
  credentials: Credentials,
  updates: readonly ListedUpdate[],
  generation?: number,
): Promise<CutoverReport> {
  const { spec } = fleet;
  const [runs, { rows, more }] = await withDatabase(fleet, credentials, async (db) => {
    const all = await readRuns(db, spec);
    const chosen = generation ?? all[0]?.generation ?? 0;
    return [all, (await readRunRows(db, spec, chosen)) ?? { rows: [], more: 0 }];
  });
  const run = runs.find((one) => one.generation === (generation ?? runs[0]?.generation));
  if (run === undefined) {
    throw new UserError(
      `The ledger of ${spec.name} has no generation ${generation ?? "yet"}.`,
      runs.length === 0 ? "Run a cutover first." : `It has 1 to ${runs[0]?.generation ?? 1}.`,
      { exitCode: 3 },
    );
  }
  const newest = run === runs[0];
  const update = updates.find((one) => one.moved && one.generation === run.generation);
  const seen = newest
    ? await clusterTimes(fleet, credentials, run).catch(whyNot)
    : { times: [], servers: undefined };
  // A pod that was replaced later is not part of the cutover and would stretch its time until now.
  const known = typeof seen === "string" ? [] : seen.times;
  const servers = typeof seen === "string" ? undefined : seen.servers;
  const during = known.filter(({ from }) => run.settledAt === undefined || from < run.settledAt);
  const since = known.length - during.length;
  const timeline: TimelineEntry[] = [
    ...during,
    ...(fleet.generation === run.generation ? probeTimes(fleet) : []),
    { phase: "rows", what: "transaction committed", from: run.committedAt },
    ...(run.settledAt === undefined
      ? []
      : [
          {
            phase: "settle" as const,
            what: "settled: no old pod, fence removed",
            from: run.settledAt,
          },
        ]),
  ];
  const gaps = [
    ...(typeof seen === "string" ? [`Servers and rollout are not shown: ${seen}`] : []),
    ...(since === 0 ? [] : [`Pods that were made since are not shown (${since}).`]),
    ...(newest
      ? []
      : ["Servers and rollout are not shown: the cluster only knows the newest generation's."]),
    ...(run.finalizedAt === undefined
      ? []
      : [`The undo data was discarded at ${run.finalizedAt}.`]),
    ...(more > 0 ? [`${more} more rows of this run are not listed.`] : []),
    ...(run.tools === undefined ? ["No server was asked in this run."] : []),
    ...(run.tools !== undefined && run.images === undefined
      ? ["The images that the servers ran are not known: this run did not read their pods."]
      : []),
  ];
  return {
    cutover: spec.name,
    run,
    newest: runs[0]?.generation ?? run.generation,
    rows,
    timeline: timeline.sort((a, b) => (a.from < b.from ? -1 : 1)),
    ...(update === undefined ? {} : { update }),
    ...(servers === undefined ? {} : { servers }),
    gaps,
  };
}

function probeTimes({ probeRuns = [] }: Fleet): TimelineEntry[] {
  return probeRuns.map(({ consumer, startedAt, completedAt }) => ({
    phase: "probe",
    what: `probe from ${consumer}`,
    from: startedAt,
    to: completedAt,
  }));
}

/** A page about the rows is useful even when the cluster does not answer. */
function whyNot(error: unknown): string {
  if (isUserError(error)) return error.problem;
  throw error;
}

/**
 * When the servers' newest pods and the application's pods of this generation became ready; and the servers'
 * current state, for rows that point at them.
 */
async function clusterTimes(
  fleet: Fleet,
  credentials: Credentials,
  run: LedgerState,
): Promise<{ times: TimelineEntry[]; servers: McpServerSummary[] }> {
  const kube = await connectKube(fleet.kubernetes, credentials);
  const { namespace } = fleet.probe;
  const pods = async (labelSelector: string, phase: TimelineEntry["phase"]) => {
    const found = await asking(kube, `list Pods in ${namespace}`, () =>
      kube.core.listNamespacedPod({ namespace, labelSelector }),
    );
    return found.items.flatMap(({ metadata, status }): TimelineEntry[] => {
      const ready = status?.conditions?.find(
        ({ type, status: is }) => type === "Ready" && is === "True",
      );
      const from = metadata?.creationTimestamp;
      if (from === undefined || ready?.lastTransitionTime === undefined) return [];
      const what = `pod ${metadata?.name ?? ""} ready`;
      return [{ phase, what, from: iso(from), to: iso(ready.lastTransitionTime) }];
    });
  };
  const led = run.target === "in-cluster";
  const [own, rollout, servers] = await Promise.all([
    led ? pods(serverSelector, "server") : [],
    pods(`${generationLabel}=${run.generation}`, "rollout"),
    led ? listMcpServers(kube, { namespace }) : [],
  ]);
  return { times: [...own, ...rollout], servers };
}

function iso(time: Date | string): string {
  return new Date(time).toISOString();
}
