import type { Client } from "pg";

import type { LedgerState } from "../decide/results";
import type {
  AgreedProtocols,
  CutoverSpec,
  RunMeta,
  RunningImages,
  Target,
  ToolLists,
} from "../decide/spec";
import { ledgerExists, migrate } from "./schema";

/** One row of the ledger, with fields that only the engine needs. */
export interface Run extends LedgerState {
  readonly systemIdentifier: string;
  readonly databaseName: string;
  readonly journalRows: number;
  readonly converted: number;
  readonly configType: string;
}

/** Reading comes before migrating, so columns that an old ledger may not have are read without naming them. */
const finalizedAt = `to_char((to_jsonb(run) ->> 'finalized_at')::timestamptz at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

const runColumns = `
  generation, run_id::text as "runId", target, plan_hash as "planHash", config_type as "configType",
  system_identifier as "systemIdentifier", database_name as "databaseName", who, stack,
  program_commit as "commit", tool_version as "toolVersion", counts, journal_rows as "journalRows", fenced,
  fenced_writes::int8::text as "fencedWrites", converted,
  to_char(committed_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "committedAt",
  to_char(settled_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "settledAt",
  ${finalizedAt} as "finalizedAt", to_jsonb(run) -> 'tools' as tools,
  to_jsonb(run) -> 'protocols' as protocols, to_jsonb(run) -> 'images' as images,
  to_jsonb(run) ->> 'tools_lock' as "toolsLock"`;

type RawRun = Omit<
  Run,
  | "fencedWrites"
  | "settledAt"
  | "finalizedAt"
  | "commit"
  | "tools"
  | "protocols"
  | "images"
  | "toolsLock"
> & {
  fencedWrites: string;
  settledAt: string | null;
  finalizedAt: string | null;
  commit: string | null;
  tools: ToolLists | null;
  protocols: AgreedProtocols | null;
  images: RunningImages | null;
  toolsLock: string | null;
};

/** The newest run of a cutover, or the one with `runId`. */
export async function findRun(
  client: Client,
  cutover: string,
  runId?: string,
): Promise<Run | undefined> {
  if (!(await ledgerExists(client))) return undefined;
  const found = await client.query<RawRun>(
    `select ${runColumns} from mcp_cutover.run
      where cutover = $1 and ($2::uuid is null or run_id = $2::uuid) order by generation desc limit 1`,
    [cutover, runId ?? null],
  );
  const row = found.rows[0];
  return row === undefined ? undefined : toRun(row);
}

/** Every run of a cutover, the newest first. */
export async function findRuns(client: Client, cutover: string): Promise<Run[]> {
  if (!(await ledgerExists(client))) return [];
  const found = await client.query<RawRun>(
    `select ${runColumns} from mcp_cutover.run where cutover = $1 order by generation desc`,
    [cutover],
  );
  return found.rows.map(toRun);
}

function toRun(raw: RawRun): Run {
  const {
    settledAt,
    finalizedAt,
    commit,
    fencedWrites,
    tools,
    protocols,
    images,
    toolsLock,
    ...rest
  } = raw;
  return {
    ...rest,
    fencedWrites: Number(fencedWrites),
    ...(settledAt === null ? {} : { settledAt }),
    ...(finalizedAt === null ? {} : { finalizedAt }),
    ...(commit === null ? {} : { commit }),
    ...(tools === null ? {} : { tools }),
    ...(protocols === null ? {} : { protocols }),
    ...(images === null ? {} : { images }),
    ...(toolsLock === null ? {} : { toolsLock }),
  };
}

/** The public part of a run. */
export function publicRun(run: Run): LedgerState {
  const { generation, target, planHash, runId, committedAt, settledAt, who, stack, commit } = run;
  const {
    toolVersion,
    counts,
    fenced,
    fencedWrites,
    finalizedAt,
    tools,
    protocols,
    images,
    toolsLock,
  } = run;
  return {
    generation,
    target,
    planHash,
    runId,
    committedAt,
    ...(settledAt === undefined ? {} : { settledAt }),
    ...(finalizedAt === undefined ? {} : { finalizedAt }),
    who,
    stack,
    ...(commit === undefined ? {} : { commit }),
    toolVersion,
    counts,
    fenced,
    fencedWrites,
    ...(tools === undefined ? {} : { tools }),
    ...(protocols === undefined ? {} : { protocols }),
    ...(images === undefined ? {} : { images }),
    ...(toolsLock === undefined ? {} : { toolsLock }),
  };
}

/** The name of another cutover whose newest run moved rows of the same table. */
export async function newestOtherCutover(
  client: Client,
  cutover: string,
  table: string,
): Promise<string | undefined> {
  if (!(await ledgerExists(client))) return undefined;
  const found = await client.query<{ cutover: string }>(
    `select cutover from (
       select distinct on (cutover) cutover, target from mcp_cutover.run
        where table_name = $2 and cutover <> $1 order by cutover, generation desc) newest
      where target = 'in-cluster' limit 1`,
    [cutover, table],
  );
  return found.rows[0]?.cutover;
}

/** What {@link recordRun} writes. */
export interface RunRecord {
  readonly spec: CutoverSpec;
  readonly generation: number;
  readonly runId: string;
  readonly target: Target;
  readonly planHash: string;
  readonly tableName: string;
  readonly configType: string;
  readonly identity: { readonly systemIdentifier: string; readonly databaseName: string };
  readonly meta: RunMeta;
  readonly counts: Record<string, number>;
  readonly journalRows: number;
  readonly fenced: boolean;
}

/** Writes the ledger row, just before COMMIT. @returns the recorded time, ISO 8601 */
export async function recordRun(client: Client, run: RunRecord): Promise<string> {
  const { meta, identity } = run;
  const written = await client.query<{ at: string }>(
    `insert into mcp_cutover.run (cutover, generation, run_id, target, plan_hash, table_name, config_type,
       system_identifier, database_name, who, stack, program_commit, tool_version, counts, fenced, committed_at,
       journal_rows)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, clock_timestamp(), $16)
     returning to_char(committed_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at`,
    [
      run.spec.name,
      run.generation,
      run.runId,
      run.target,
      run.planHash,
      run.tableName,
      run.configType,
      identity.systemIdentifier,
      identity.databaseName,
      meta.who,
      meta.stack,
      meta.commit ?? null,
      meta.toolVersion,
      JSON.stringify(run.counts),
      run.fenced,
      run.journalRows,
    ],
  );
  return written.rows[0]?.at ?? "";
}

/** Records that a run's undo data was discarded. @returns the recorded time, ISO 8601 */
export async function markFinalized(
  client: Client,
  runId: string,
  journalRows: number,
): Promise<string> {
  await migrate(client);
  const done = await client.query<{ at: string }>(
    `update mcp_cutover.run set finalized_at = clock_timestamp(), journal_rows = $2
      where run_id = $1 returning ${finalizedAt} as at`,
    [runId, journalRows],
  );
  return done.rows[0]?.at ?? "";
}

/** Records that a run cannot be undone because the previous one was finalized. */
export async function inheritFinalized(client: Client, runId: string): Promise<void> {
  await client.query("update mcp_cutover.run set finalized_at = committed_at where run_id = $1", [
    runId,
  ]);
}

/** Records what the servers' tools were held to (undefined: nothing), and what those listed that were asked. */
export async function markToolsLock(
  client: Client,
  runId: string,
  toolsLock: string | undefined,
  tools: ToolLists,
): Promise<void> {
  await migrate(client);
  await client.query(
    `update mcp_cutover.run set tools_lock = $2, tools = nullif(coalesce(tools, '{}') || $3::jsonb, '{}')
      where run_id = $1`,
    [runId, toolsLock ?? null, JSON.stringify(tools)],
  );
}

/** Records the servers' probe results before a run. The newest version of the ledger has the columns. */
export async function recordServers(
  client: Client,
  runId: string,
  {
    tools = {},
    protocols = {},
    images = {},
    toolsLock,
  }: Pick<RunMeta, "tools" | "protocols" | "images" | "toolsLock">,
): Promise<void> {
  const shown = [
    ...Object.entries({ tools, protocols, images })
      .filter(([, value]) => Object.keys(value).length > 0)
      .map(([column, value]) => [column, JSON.stringify(value)] as const),
    ...(toolsLock === undefined ? [] : [["tools_lock", toolsLock] as const]),
  ];
  if (shown.length === 0) return;
  const set = shown.map(([column], index) => `${column} = $${index + 2}`).join(", ");
  await client.query(`update mcp_cutover.run set ${set} where run_id = $1`, [
    runId,
    ...shown.map(([, value]) => value),
  ]);
}
