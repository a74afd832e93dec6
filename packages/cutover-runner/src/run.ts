import { randomUUID } from "node:crypto";

import { UserError } from "@mcp-fleet/errors";
import { connectKube } from "@mcp-fleet/kube";
import type { ProbeResult } from "@mcp-fleet/mcp-probe";
import type { Db, LedgerState } from "@mcp-fleet/row-cutover";
import { withRun } from "@mcp-fleet/telemetry";

import { withDatabase } from "./database";
import { isolationSeen } from "./isolation";
import { specFor } from "./kept";
import { phase } from "./phases";
import { probeFromHere } from "./probe-here";
import { type ConsumerProbe, probeFromCluster } from "./probe-job";
import type { OnProgress } from "./progress";
import { waitForServers } from "./server-rollouts";
import { type RolledOut, shownBy } from "./shown";
import { heldToTools } from "./tools-lock";
import type { Credentials, CutoverInputs, CutoverOutputs, IsolationSeen } from "./types";

/**
 * One run towards `inputs.target`: the row plan, the probe of every server from a pod with each consumer's labels, and
 * then the rows in one transaction. A run with nothing to write probes what a tools lock is about, and
 * changes nothing; a run back to `embedded` probes nothing, since no row will point at a server.
 * @throws {UserError} with rows and application untouched, unless its text says otherwise
 */
export async function runCutoverStep(
  inputs: CutoverInputs,
  credentials: Credentials,
): Promise<CutoverOutputs> {
  const { spec, target, meta } = inputs;
  const runId = randomUUID();
  const attributes = {
    cutover: spec.name,
    stack: meta.stack,
    target,
    servers: inputs.targets.length,
  };
  return withRun(runId, () =>
    phase("cutover", attributes, (span) =>
      withDatabase(inputs, credentials, async (db) => {
        const outputs = await runOn(db, runId, inputs, credentials);
        span.set({ generation: outputs.generation, written: outputs.runId === runId });
        return outputs;
      }),
    ),
  );
}

async function runOn(
  db: Db,
  runId: string,
  inputs: CutoverInputs,
  credentials: Credentials,
): Promise<CutoverOutputs> {
  // Imported here, not at the top: loading this package must stay quick.
  const rows = await import("@mcp-fleet/row-cutover");
  const { target } = inputs;
  const spec = await specFor(inputs, credentials);
  const plan = await phase("preconditions", {}, () => rows.planRows(db, spec, target));
  const rolled = target === "in-cluster" ? await serversRolledOut(inputs, credentials) : undefined;
  if (plan.noop) {
    const ledger = await rows.readLedger(db, spec);
    const agreed =
      ledger === undefined ||
      ledger.planHash === plan.hash ||
      (await rows.recordPlan(db, spec, target)) !== undefined;
    // Otherwise rows were changed just now. They are written as in any other run.
    if (agreed) {
      await heldToTools(db, ledger, inputs, (targets) =>
        probeServers({ ...covering(inputs), targets }, credentials),
      );
      return recorded(ledger, target, plan.hash);
    }
  }
  const [probes, isolation] = await Promise.all([
    target === "embedded" ? [] : probeServers(covering(inputs), credentials),
    triedIsolation(inputs, credentials),
  ]);
  const { toolsLock } = inputs;
  const meta = {
    ...{ ...inputs.meta, runId, ...(await shownBy(probes, rolled)) },
    ...(target === "embedded" || toolsLock === undefined ? {} : { toolsLock }),
  };
  const done = await phase("transaction", {}, async (span) => {
    const result = await rows.runCutover(db, spec, target, meta);
    span.set({ generation: result.generation, ...result.counts });
    return result;
  });
  return {
    generation: done.generation,
    runId: done.runId,
    planHash: done.planHash,
    target: done.target,
    counts: done.counts,
    committedAt: done.committedAt,
    probes: probes.flatMap(({ consumer, results }) =>
      results.map(({ name, outcome, protocolVersion, tools }) => ({
        name,
        consumer,
        outcome,
        protocolVersion: protocolVersion ?? "",
        tools: tools?.length ?? 0,
      })),
    ),
    probeRuns: probes.map(({ consumer, job, startedAt, completedAt }) => ({
      consumer,
      job,
      startedAt,
      completedAt,
    })),
    ...(isolation === undefined ? {} : { isolation }),
  };
}

async function triedIsolation(
  { target, spec, probe, kubernetes }: CutoverInputs,
  credentials: Credentials,
): Promise<IsolationSeen | undefined> {
  if (target === "embedded" || probe.from === "here" || probe.isolated === false) return undefined;
  return isolationSeen(() => connectKube(kubernetes, credentials), { spec, probe });
}

/** Old pods would pass a probe that is meant for new ones. Undefined where the cluster is not asked. */
async function serversRolledOut(
  { servers = [], kubernetes, probe }: CutoverInputs,
  credentials: Credentials,
): Promise<RolledOut | undefined> {
  if (servers.length === 0 || probe.from === "here") return undefined;
  return phase("servers", { servers: servers.length }, async () => {
    const kube = await connectKube(kubernetes, credentials);
    return { kube, workloads: await waitForServers(kube, servers) };
  });
}

/**
 * The same inputs, once every URL that may be written is among the targets.
 * @throws {UserError} for a row whose server would not be probed
 */
function covering(inputs: CutoverInputs): CutoverInputs {
  const probed = new Set(inputs.targets.map(({ url }) => url));
  const unproved = inputs.spec.rows.find(({ url }) => !probed.has(url));
  if (unproved !== undefined) {
    throw new UserError(
      `The row ${JSON.stringify(unproved.key)} is to point at ${unproved.url}, which is not among the servers to probe, so nothing was written.`,
      "Give the server a probe target with exactly this URL.",
    );
  }
  return inputs;
}

/** The outputs of a run that has nothing to write: what the last run that wrote left in the ledger. */
function recorded(
  ledger: LedgerState | undefined,
  target: CutoverInputs["target"],
  planHash: string,
): CutoverOutputs {
  return {
    generation: ledger?.generation ?? 0,
    runId: ledger?.runId ?? "",
    planHash,
    target,
    counts: ledger?.counts ?? {},
    committedAt: ledger?.committedAt ?? "",
    probes: [],
    probeRuns: [],
  };
}

/** The ledger as it is now; undefined before the first cutover. Writes nothing. */
export async function readLedgerStep(
  inputs: Pick<CutoverInputs, "spec" | "database" | "kubernetes">,
  credentials: Credentials,
): Promise<LedgerState | undefined> {
  const rows = await import("@mcp-fleet/row-cutover");
  return withDatabase(inputs, credentials, (db) => rows.readLedger(db, inputs.spec));
}

/** What a failed probe means for rows and application, as parts of its error. */
export interface ProbeFailure {
  /**
   * Milliseconds since the epoch until which servers that had too little time are asked again; with what is asked for
   * the first time. @default they are asked once
   */
  readonly again?: number;
  /** Follows "did not pass the probe, ". */
  readonly consequence: string;
  /** Follows the advice to mend the servers. */
  readonly otherwise?: string;
}

const beforeTheRows: ProbeFailure = { consequence: "so rows and application are untouched" };

/** What {@link askServers} reads. */
export interface ProbeInputs extends Pick<CutoverInputs, "probe" | "targets" | "kubernetes"> {
  /** Only its name is read: it tells one cutover's Jobs from another's. */
  readonly spec: Pick<CutoverInputs["spec"], "name">;
  /** Ends the wait, and removes the Jobs. @default nothing does */
  readonly signal?: AbortSignal;
}

/**
 * Asks every server from a pod with each consumer's labels.
 * @param onProgress hears what is being done, since it may take a minute
 * @returns what each one answered; a server that fails is a result
 * @throws {UserError} when it could not be asked
 */
export async function askServers(
  inputs: ProbeInputs,
  credentials: Pick<Credentials, "kubeconfig">,
  onProgress?: OnProgress,
): Promise<ConsumerProbe[]> {
  const { probe, targets } = inputs;
  if (targets.length === 0) return [];
  const where = probe.from === "here" ? ["here"] : probe.consumers.map(({ name }) => name);
  const count = targets.length === 1 ? "1 server" : `${targets.length} servers`;
  onProgress?.(`asking ${count} from ${where.join(", ")}`);
  if (probe.from === "here") return probeFromHere(inputs, credentials);
  const kube = await connectKube(inputs.kubernetes, credentials);
  return probeFromCluster(kube, inputs.spec.name, probe, targets, onProgress, inputs.signal);
}

/**
 * Asks every server from a pod with each consumer's labels. All must pass.
 * @param meaning default: nothing has been written yet
 * @throws {UserError} that lists each server that did not, once for each different reason
 */
export async function probeServers(
  inputs: ProbeInputs,
  credentials: Pick<Credentials, "kubeconfig">,
  meaning: ProbeFailure = beforeTheRows,
): Promise<ConsumerProbe[]> {
  return phase("probe", { servers: inputs.targets.length }, async (span) => {
    let probes = await askServers(inputs, credentials);
    let failures = failuresIn(probes);
    while (failures.length > 0 && failures.every(lackedTime) && Date.now() < (meaning.again ?? 0)) {
      probes = await askServers(inputs, credentials);
      failures = failuresIn(probes);
    }
    span.set({ consumers: probes.length, failures: failures.length });
    if (failures.length > 0) throw probeError(failures, probes, inputs, meaning);
    return probes;
  });
}

interface Failure {
  readonly consumer: string;
  readonly result: ProbeResult;
}

const failuresIn = (probes: readonly ConsumerProbe[]): Failure[] =>
  probes.flatMap(({ consumer, results }) =>
    results.filter(({ ok }) => !ok).map((result) => ({ consumer, result })),
  );

/** A busy machine makes servers slow and breaks nothing, so slow ones are asked again. */
const lackedTime = ({ result }: Failure): boolean => result.outcome === "timeout";

function probeError(
  failures: readonly Failure[],
  probes: readonly ConsumerProbe[],
  { probe, targets }: Pick<CutoverInputs, "probe" | "targets">,
  { consequence, otherwise = "" }: ProbeFailure,
): UserError {
  // Consumers mostly see the same; a server is listed once for each thing it did.
  const reasons = new Map<string, string[]>();
  for (const { consumer, result } of failures) {
    const reason = result.message.replace(/ \(\d+ attempts in [\d.]+ seconds?\)\.$/, ".");
    reasons.set(reason, [...(reasons.get(reason) ?? []), consumer]);
  }
  const servers = new Set(failures.map(({ result }) => result.name)).size;
  const list = [...reasons].map(([reason, consumers]) =>
    probes.length > 1 ? `[${consumers.join(", ")}] ${reason}` : reason,
  );
  const jobs = probes.filter(({ job, results }) => job !== "" && results.some(({ ok }) => !ok));
  const where = jobs.map(({ job }) => `kubectl -n ${probe.namespace} logs job/${job}`).join("; ");
  const count =
    targets.length === 1 ? "The MCP server" : `${servers} of ${targets.length} MCP servers`;
  const strangers = failures.some(({ result }) => result.outcome === "no-shared-protocol");
  const protocols = strangers
    ? " If its clients do speak the server's version, list it in protocols of the consumer."
    : "";
  return new UserError(
    `${count} did not pass the probe, ${consequence}. ${list.join(" ")}`,
    `Mend ${servers === 1 ? "it" : "them"}, then run again.${protocols}${otherwise}${where === "" ? "" : ` For an hour: ${where}`}`,
  );
}
