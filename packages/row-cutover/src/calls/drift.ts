import { isDeepStrictEqual } from "node:util";

import type { Client } from "pg";

import { expectedDocument } from "../actions/keep/expected";
import { ownsUrlOf, sameServer } from "../decide/application-owned";
import { checkSpec } from "../decide/check-spec";
import { describe, parseDocument } from "../decide/document";
import type { RowEntry } from "../decide/entries";
import { keyId, keyName, keySet } from "../decide/keys";
import { entryColumns } from "../decide/layout";
import type { DriftedRow, DriftReport } from "../decide/results";
import { isOwn, type StoredRow } from "../decide/rows";
import type { CutoverSpec, Db } from "../decide/spec";
import { checkReadable } from "../postgres/check-table";
import { columnsAsText } from "../postgres/columns";
import { inBatches } from "../postgres/cursor";
import { checkDatabase } from "../postgres/database";
import { EngineError } from "../postgres/errors";
import { ident, keyArray, literal } from "../postgres/identifiers";
import { isOwnSql } from "../postgres/rows";
import { limitsOf, session } from "../postgres/session";
import { readShape, type TableShape } from "../postgres/table";
import { checkLedger, leftRowsSource } from "../store/access";
import { countFenced, fenceExists } from "../store/fence";
import { isAsLeftSql } from "../store/journal";
import type { Run } from "../store/ledger";

/** What a run left in one row. */
type LeftRow = Pick<
  RowEntry,
  "entry" | "action" | "keyBefore" | "keyAfter" | "afterConfig" | "afterColumns"
>;

/** The row as it is. */
type RowNow = Pick<StoredRow, "key" | "match" | "type" | "config" | "columns">;

/**
 * Compares the rows with what the newest run left, in a READ ONLY transaction. Missing headers are no
 * difference: the application erases them on each of its syncs. Nor is another path where it owns the URL. It
 * reads only key, type, document and the columns that the run set, and no before-image, so a login with these
 * rights is enough.
 * @returns undefined before the first run
 * @throws UserError when the table or the ledger cannot be read
 */
export async function drift(db: Db, spec: CutoverSpec): Promise<DriftReport | undefined> {
  checkSpec(spec);
  const limits = limitsOf(spec);
  const doing = "comparing the rows with the ledger";
  return session(
    { db, name: `drift ${spec.name}`, limits, mode: "read only", doing },
    async (client) => {
      const run = await checkLedger(client, spec, await checkDatabase(client, spec), "read");
      return run === undefined ? undefined : report(client, spec, run);
    },
  );
}

/** How many rows are listed. The others are counted. */
const listedRows = 1000;

async function report(client: Client, spec: CutoverSpec, run: Run): Promise<DriftReport> {
  const shape = await readShape(client, spec);
  const source = await leftRowsSource(client);
  if (source === undefined) throw new EngineError("what the run left may not be read any more");
  const columns = await comparedColumns(client, spec, shape, run, source);
  await checkReadable(client, spec, shape, columns);
  const drifted: DriftedRow[] = [];
  const made: DriftedRow[] = [];
  let count = 0;
  const expected = keySet([...spec.deferred, ...spec.skip]);
  for await (const { left, row } of suspects(client, spec, shape, run, { source, columns })) {
    const found =
      left === undefined ? newRow(expected, row) : compareRow(left, row, run, shape, spec);
    if (found === undefined) continue;
    count += 1;
    if (drifted.length + made.length < listedRows)
      (left === undefined ? made : drifted).push(found);
  }
  const more = count - drifted.length - made.length;
  return {
    generation: run.generation,
    target: run.target,
    rows: [...drifted, ...made],
    ...(more > 0 ? { more } : {}),
    fenceStands: await fenceExists(client, spec.name, shape),
    fencedWrites: run.fencedWrites + (await countFenced(client, run.runId)),
  };
}

/** The columns beside the document that the run wrote and the table still has. */
async function comparedColumns(
  client: Client,
  spec: CutoverSpec,
  shape: TableShape,
  run: Run,
  source: string,
): Promise<string[]> {
  const found = await client.query<{ names: string[] }>(
    `select distinct array(select jsonb_object_keys(after_columns)) as names from ${source} j where run_id = $1`,
    [run.runId],
  );
  return [...new Set(found.rows.flatMap(({ names }) => names))]
    .filter((name) => shape.columns.has(name) && name !== spec.table.updatedAt)
    .sort();
}

/** Pairs of entries and rows that are not equal byte for byte. */
async function* suspects(
  client: Client,
  spec: CutoverSpec,
  shape: TableShape,
  run: Run,
  { source, columns }: { readonly source: string; readonly columns: readonly string[] },
): AsyncGenerator<{ left: LeftRow | undefined; row: RowNow | undefined }> {
  const { table } = spec;
  const key = keyArray(table.key, "t");
  const same = [
    `t.${ident(table.config)}::text = j.after_config`,
    isOwnSql(spec),
    ...columns.map(isAsLeftSql),
  ];
  const type = table.type === undefined ? "null" : `t.${ident(table.type.column)}::text`;
  // A pair has an entry, or a row, or the same key on both sides.
  const query = `select j.entry::text as entry, j.action, j.key_after as "keyAfter",
      coalesce(j.key_before, case when j.action not in ('seed', 'inserted') then j.key_after end) as "keyBefore",
      j.after_config as "afterConfig", coalesce(j.after_columns, '{}') as "afterColumns",
      case when j.entry is null or ${key} = j.key_after then jsonb_build_object(
        'key', ${key}, 'match', ${keyArray(entryColumns(table), "t")}, 'type', ${type},
        'config', t.${ident(table.config)}::text, 'columns', ${columnsAsText(columns, "t")}) end as row
      from (select * from ${source} newest where run_id = ${literal(run.runId)}) j
      ${table.type === undefined ? "left" : "full"} join ${shape.rows} t on ${key} = j.key_after
     where (j.entry is null and ${isOwnSql(spec)}) or (j.entry is not null and (${same.join(" and ")}) is not true)
     order by j.entry, ${key}`;
  for await (const batch of inBatches<LeftRow & { row: RowNow | null }>(client, query)) {
    for (const { row, ...left } of batch) {
      yield {
        left: (left.entry as string | null) === null ? undefined : left,
        row: row ?? undefined,
      };
    }
  }
}

function compareRow(
  left: LeftRow,
  row: RowNow | undefined,
  run: Run,
  shape: TableShape,
  spec: CutoverSpec,
): DriftedRow | undefined {
  const key = keyName(left.keyAfter ?? []);
  if (row === undefined) return { key, kind: "gone", detail: "was deleted since" };
  if (!isOwn(spec, row)) return { key, kind: "changed", detail: "is a user's own server now" };
  const expected = expectedDocument(left, run, shape);
  const names = Object.entries(left.afterColumns)
    .filter(([name, value]) => name in row.columns && row.columns[name] !== value)
    .map(([name]) => `column ${name}`);
  const keys = [...(left.keyBefore ?? []), ...(left.keyAfter ?? [])];
  if (expected !== undefined && expected !== row.config) {
    const wanted = parseDocument(keys, expected);
    const found = parseDocument(keys, row.config);
    if (found === undefined || wanted === undefined) {
      return { key, kind: "changed", detail: "holds no document any more" };
    }
    const ownUrl = run.target === "in-cluster" && ownsUrlOf(spec, row.match);
    const differing = [...new Set([...Object.keys(wanted.content), ...Object.keys(found.content)])]
      .filter((name) => !isDeepStrictEqual(wanted.content[name], found.content[name]))
      .filter((name) => name !== "headers" || found.content.headers !== undefined)
      .filter(
        (name) => name !== "url" || !ownUrl || !sameServer(found.content.url, wanted.content.url),
      )
      .sort();
    if (differing.length > 0) {
      const now = describe(found.content);
      return {
        key,
        kind: "changed",
        detail: `differs in ${[...differing, ...names].join(", ")}; now ${now}`,
      };
    }
  }
  return names.length === 0
    ? undefined
    : { key, kind: "changed", detail: `differs in ${names.join(", ")}` };
}

/** One of the application's own rows that no run has seen. */
function newRow(expected: ReadonlySet<string>, row: RowNow | undefined): DriftedRow | undefined {
  if (row === undefined || expected.has(keyId(row.match))) return undefined;
  const detail = describe(parseDocument(row.key, row.config)?.content ?? {});
  return { key: keyName(row.key), kind: "new", detail };
}
