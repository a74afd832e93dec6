import { once } from "node:events";
import { connect } from "node:net";

import { isUserError, timeLimit } from "@mcp-fleet/errors";
import { connectKube, UnreachableError, UnreadKeyError } from "@mcp-fleet/kube";
import type { CutoverSpec, Db, RowPlan } from "@mcp-fleet/row-cutover";

import { withDatabase } from "./database";
import { specFor } from "./kept";
import { readLedgerStep } from "./run";
import { lookAtServers, workloadOf } from "./server-rollouts";
import type { Credentials, CutoverInputs } from "./types";

/** How long a preview waits for the database, in seconds. */
const limitSeconds = 3;

/**
 * What a run would write, read only. A database that does not answer in time, or a cluster on the way to it, is
 * an answer, not an error: a preview must not depend on them.
 * @throws {UserError} what the run itself would refuse
 */
export async function previewRows(
  inputs: Pick<CutoverInputs, "spec" | "target" | "database" | "kubernetes">,
  credentials: Credentials,
): Promise<RowPlan | { unreachable: string }> {
  const plan = planRows(inputs, credentials);
  const isKept = inputs.spec.rows.some(({ headersFrom }) => headersFrom !== undefined);
  const who = isKept ? "The database, or the cluster with a header's Secret," : "The database";
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<{ unreachable: string }>((resolve) => {
    timer = setTimeout(
      () => resolve({ unreachable: `${who} did not answer within ${limitSeconds} seconds.` }),
      limitSeconds * 1000,
    );
  });
  try {
    const answer = await Promise.race([plan, late]);
    if (!("unreachable" in answer) || "unread" in answer) return answer;
    return {
      unreachable: `${answer.unreachable} It was looked for at ${placeOf(inputs, credentials)}.`,
    };
  } finally {
    clearTimeout(timer);
    // The plan may still fail after the answer was given; its connection has limits of its own.
    plan.catch(() => undefined);
  }
}

/** Where the database is, without login or name. */
function placeOf(
  { database: { connect } }: Pick<CutoverInputs, "database">,
  { databaseUrl }: Credentials,
): string {
  if (connect !== "direct") {
    const { namespace, service, pod, port } = connect.portForward;
    const target =
      service === undefined ? `pod ${namespace}/${pod}` : `Service ${namespace}/${service}`;
    return `${target}, port ${port}`;
  }
  const { host } = new URL(databaseUrl);
  return host === "" ? "a socket of this machine" : host;
}

/**
 * Whether a server that this update changed makes a run: where its rollout is not over, though the engine called it complete;
 * and where a tools lock holds, since no row changes with an image. Costs nothing where no server was changed.
 * @param before the servers of the cutover's last run
 */
export async function serversRolling(
  inputs: Pick<CutoverInputs, "target" | "servers" | "kubernetes" | "probe" | "toolsLock">,
  before: CutoverInputs["servers"],
  credentials: Credentials,
): Promise<boolean> {
  const { servers = [], target, kubernetes, probe, toolsLock } = inputs;
  const known = new Map(before?.map((one) => [workloadOf(one), one.generation]));
  const changed = servers.filter((one) => known.get(workloadOf(one)) !== one.generation);
  if (target === "embedded" || changed.length === 0) return false;
  if (toolsLock !== undefined) return true;
  if (probe.from === "here") return false;
  const kube = await connectKube(kubernetes, credentials);
  return (await lookAtServers(kube, changed)).some(({ pending }) => pending.length > 0);
}

/** What the database knows that state may not. */
export interface Observed {
  /** Whether the database answered in time. */
  readonly reached: boolean;
  /** The ledger's newest generation; undefined when it could not be read. */
  readonly generation?: number;
  /** Whether a run would change rows, or be refused. */
  readonly pending: boolean;
}

/**
 * Looks at ledger and rows for the provider's `diff`. A plan that is refused is the run's to report, so there has to be
 * one: a copy of the database, for example, is nothing that an update may pass over.
 */
export async function observeStep(
  inputs: Pick<CutoverInputs, "spec" | "target" | "database" | "kubernetes">,
  credentials: Credentials,
): Promise<Observed> {
  try {
    const plan = await previewRows(inputs, credentials);
    if ("unreachable" in plan) return { reached: false, pending: false };
    return {
      reached: true,
      generation: plan.noop ? plan.generation : plan.generation - 1,
      pending: !plan.noop,
    };
  } catch {
    const ledger = await readLedgerStep(inputs, credentials).catch(() => undefined);
    return {
      reached: true,
      pending: true,
      ...(ledger === undefined ? {} : { generation: ledger.generation }),
    };
  }
}

async function planRows(
  inputs: Parameters<typeof previewRows>[0],
  credentials: Credentials,
): Promise<RowPlan | { unreachable: string; unread?: true }> {
  const rows = await import("@mcp-fleet/row-cutover");
  let reached: Db | undefined;
  let spec: CutoverSpec;
  try {
    spec = await specFor(inputs, credentials);
  } catch (error) {
    // It may exist by then, and whoever previews may see less than whoever updates.
    if (!(error instanceof UnreadKeyError || error instanceof UnreachableError)) throw error;
    return { unreachable: error.problem, unread: true };
  }
  try {
    return await withDatabase(inputs, credentials, (db) => {
      reached = db;
      return rows.planRows(db, spec, inputs.target);
    });
  } catch (error) {
    const closed = reached !== undefined && !(await accepts(reached.connectionString));
    if (!closed && !(error instanceof UnreachableError)) throw error;
    return { unreachable: isUserError(error) ? error.problem : "The database cannot be reached." };
  }
}

/** Whether anything accepts connections at a DSN's address. What it is shows in the error it led to. */
async function accepts(dsn: string): Promise<boolean> {
  const url = new URL(dsn);
  if (url.hostname === "") return true; // a socket on this machine
  const host = url.hostname.replace(/^\[|\]$/g, ""); // an IPv6 address
  const socket = connect({ host, port: Number(url.port === "" ? 5432 : url.port) });
  try {
    await once(socket, "connect", { signal: timeLimit(limitSeconds) });
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
