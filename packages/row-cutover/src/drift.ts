import { isDeepStrictEqual } from "node:util";

import type { Client } from "pg";

import { limitsOf, withClient, withTransaction } from "./client";
import { describe, parseDocument } from "./document";
import { shown } from "./errors";
import { countFenced, fenceExists } from "./fence";
import { byKeyAfter, readRowEntries, type RowEntry } from "./journal";
import { keyId, keyName, keySet } from "./keys";
import type { Run } from "./ledger";
import { checkDatabase, checkLedger, checkTable } from "./preconditions";
import { isOwn, readRows, type StoredRow } from "./rows";
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
        const run = await checkLedger(client, spec, await checkDatabase(client));
        return run === undefined ? undefined : report(client, spec, run);
      }),
    );
  } catch (error) {
    throw shown(error, "comparing the rows with the ledger");
  }
}

async function report(client: Client, spec: CutoverSpec, run: Run): Promise<DriftReport> {
  const shape = await readShape(client, spec);
  checkTable(shape);
  const entries = byKeyAfter(await readRowEntries(client, run));
  const columns = [
    ...new Set([...entries.values()].flatMap((entry) => Object.keys(entry.afterColumns))),
  ].filter((name) => shape.columns.has(name) && name !== spec.table.updatedAt);
  const keys = [...entries.values()].flatMap(({ keyAfter }) =>
    keyAfter === null ? [] : [keyAfter],
  );
  const rows = await readRows(client, spec, shape, { keys, columns, lock: false });
  const drifted: DriftedRow[] = [];
  for (const [id, entry] of entries) {
    const found = compareRow(entry, rows.get(id), run, shape, spec);
    if (found !== undefined) drifted.push({ key: keyName(entry.keyAfter ?? []), ...found });
  }
  return {
    generation: run.generation,
    target: run.target,
    rows: [...drifted, ...newRows(spec, rows, entries)],
    fenceStands: await fenceExists(client, spec.name, shape),
    fencedWrites: run.fencedWrites + (await countFenced(client, run.runId)),
  };
}

function compareRow(
  entry: RowEntry,
  row: StoredRow | undefined,
  run: Run,
  shape: TableShape,
  spec: CutoverSpec,
): Omit<DriftedRow, "key"> | undefined {
  if (row === undefined) return { kind: "gone", detail: "was deleted since" };
  if (!isOwn(spec, row)) return { kind: "changed", detail: "is a user's own server now" };
  const expected = documentNow(entry, run, shape);
  const names = Object.entries(entry.afterColumns)
    .filter(([name, value]) => name in row.columns && row.columns[name] !== value)
    .map(([name]) => `column ${name}`);
  const key = [...(entry.keyBefore ?? []), ...(entry.keyAfter ?? [])];
  if (expected !== undefined && expected !== row.config) {
    const wanted = parseDocument(key, expected);
    const found = parseDocument(key, row.config);
    if (found === undefined || wanted === undefined) {
      return { kind: "changed", detail: "holds no document any more" };
    }
    const differing = [...new Set([...Object.keys(wanted.content), ...Object.keys(found.content)])]
      .filter((name) => !isDeepStrictEqual(wanted.content[name], found.content[name]))
      .filter((name) => name !== "headers" || found.content.headers !== undefined)
      .sort();
    if (differing.length > 0) {
      const now = describe(found.content);
      return {
        kind: "changed",
        detail: `differs in ${[...differing, ...names].join(", ")}; now ${now}`,
      };
    }
  }
  return names.length === 0
    ? undefined
    : { kind: "changed", detail: `differs in ${names.join(", ")}` };
}

/** The application's own rows that no run has seen. */
function newRows(
  spec: CutoverSpec,
  rows: ReadonlyMap<string, StoredRow>,
  entries: ReadonlyMap<string, RowEntry>,
): DriftedRow[] {
  if (spec.table.type === undefined) return [];
  const expected = keySet([...spec.deferred, ...spec.skip]);
  return [...rows.values()]
    .filter(
      (row) => isOwn(spec, row) && !entries.has(keyId(row.key)) && !expected.has(keyId(row.key)),
    )
    .map((row) => ({
      key: keyName(row.key),
      kind: "new" as const,
      detail: describe(parseDocument(row.key, row.config)?.content ?? {}),
    }));
}
