import { isDeepStrictEqual } from "node:util";

import type { Client } from "pg";

import { limitsOf, withClient, withTransaction } from "./client";
import { describe, parseDocument } from "./document";
import { shown } from "./errors";
import { countFenced, fenceExists } from "./fence";
import { ident, keyArray, literal } from "./identifiers";
import { entryColumns, type RowEntry } from "./journal";
import { keyId, keyName, keySet } from "./keys";
import type { Run } from "./ledger";
import { columnsOf } from "./plan-undo-classes";
import { checkDatabase, checkLedger, checkTable } from "./preconditions";
import { inBatches, isOwn, ownRow, storedColumns, type StoredRow } from "./rows";
import { documentNow } from "./settle";
import type { CutoverSpec, Db, DriftedRow, DriftReport } from "./spec";
import { readShape, type TableShape } from "./table";
import { checkSpec } from "./validate";

/**
 * Compares the rows with what the newest run left, in a READ ONLY transaction. Headers that are missing are no
 * difference: the application erases them on each of its syncs.
 * @returns undefined before the first run
 * @throws UserError when the table or the ledger cannot be read
 */
export async function drift(db: Db, spec: CutoverSpec): Promise<DriftReport | undefined> {
  checkSpec(spec);
  const limits = limitsOf(spec);
  try {
    return await withClient(db, `drift ${spec.name}`, limits, (client) =>
      withTransaction(client, limits, "read only", async () => {
        const run = await checkLedger(client, spec, await checkDatabase(client), "read");
        return run === undefined ? undefined : report(client, spec, run);
      }),
    );
  } catch (error) {
    throw shown(error, "comparing the rows with the ledger");
  }
}

/** Rows that are listed; the others are counted. */
const listedRows = 1000;

async function report(client: Client, spec: CutoverSpec, run: Run): Promise<DriftReport> {
  const shape = await readShape(client, spec);
  checkTable(shape, "read");
  const columns = (await columnsOf(client, shape, run)).filter(
    (name) => name !== spec.table.updatedAt,
  );
  const drifted: DriftedRow[] = [];
  const made: DriftedRow[] = [];
  let count = 0;
  const expected = keySet([...spec.deferred, ...spec.skip]);
  for await (const { entry, row } of suspects(client, spec, shape, run, columns)) {
    const found =
      entry === undefined ? newRow(expected, row) : compareRow(entry, row, run, shape, spec);
    if (found === undefined) continue;
    count += 1;
    if (drifted.length + made.length < listedRows)
      (entry === undefined ? made : drifted).push(found);
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

/** Entries and rows that are not the same to the byte; those that are need no look. */
async function* suspects(
  client: Client,
  spec: CutoverSpec,
  shape: TableShape,
  run: Run,
  columns: readonly string[],
): AsyncGenerator<{ entry: RowEntry | undefined; row: StoredRow | undefined }> {
  const key = keyArray(spec.table.key, "t");
  const same = [
    `t.${ident(spec.table.config)}::text = j.after_config`,
    ownRow(spec),
    ...columns.map(
      (name) =>
        `(not j.after_columns ? ${literal(name)} or t.${ident(name)}::text is not distinct from j.after_columns ->> ${literal(name)})`,
    ),
  ];
  const query = `select ${entryColumns("x")}, x.row as stored from (
      select j.*, case when t.ctid is not null then
        (select to_jsonb(r) from (select ${storedColumns(spec, shape, columns)}) r) end as row
        from (select * from mcp_cutover.journal where run_id = ${literal(run.runId)} and kind = 'row'
                and action not in ('merge', 'late') and key_after is not null) j
        ${spec.table.type === undefined ? "left" : "full"} join ${shape.name} t on ${key} = j.key_after
       where (j.entry is null and ${ownRow(spec)}) or (j.entry is not null and (${same.join(" and ")}) is not true)
      ) x order by x.entry, x.row -> 'key'`;
  for await (const batch of inBatches<RowEntry & { stored: StoredRow | null }>(client, query)) {
    for (const { stored, ...entry } of batch) {
      yield {
        entry: (entry.entry as string | null) === null ? undefined : entry,
        row: stored ?? undefined,
      };
    }
  }
}

function compareRow(
  entry: RowEntry,
  row: StoredRow | undefined,
  run: Run,
  shape: TableShape,
  spec: CutoverSpec,
): DriftedRow | undefined {
  const key = keyName(entry.keyAfter ?? []);
  if (row === undefined) return { key, kind: "gone", detail: "was deleted since" };
  if (!isOwn(spec, row)) return { key, kind: "changed", detail: "is a user's own server now" };
  const expected = documentNow(entry, run, shape);
  const names = Object.entries(entry.afterColumns)
    .filter(([name, value]) => name in row.columns && row.columns[name] !== value)
    .map(([name]) => `column ${name}`);
  const keys = [...(entry.keyBefore ?? []), ...(entry.keyAfter ?? [])];
  if (expected !== undefined && expected !== row.config) {
    const wanted = parseDocument(keys, expected);
    const found = parseDocument(keys, row.config);
    if (found === undefined || wanted === undefined) {
      return { key, kind: "changed", detail: "holds no document any more" };
    }
    const differing = [...new Set([...Object.keys(wanted.content), ...Object.keys(found.content)])]
      .filter((name) => !isDeepStrictEqual(wanted.content[name], found.content[name]))
      .filter((name) => name !== "headers" || found.content.headers !== undefined)
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
function newRow(expected: ReadonlySet<string>, row: StoredRow | undefined): DriftedRow | undefined {
  if (row === undefined || expected.has(keyId(row.match))) return undefined;
  const detail = describe(parseDocument(row.key, row.config)?.content ?? {});
  return { key: keyName(row.key), kind: "new", detail };
}
