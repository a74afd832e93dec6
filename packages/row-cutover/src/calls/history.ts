import type { Client } from "pg";

import { describe, parseDocument, plainUrl, programOf } from "../decide/document";
import type { RowEntry } from "../decide/entries";
import { keyId, keyName, type KeyValues } from "../decide/keys";
import type { LedgerState, MaskedDocument, RunRow } from "../decide/results";
import type { CutoverSpec, Db } from "../decide/spec";
import { limitsOf, session } from "../postgres/session";
import { countRowEntries, readRowEntries } from "../store/journal";
import { findRuns, publicRun } from "../store/ledger";

/** The newest first; empty before the first run. Writes nothing. */
export async function readRuns(db: Db, spec: CutoverSpec): Promise<LedgerState[]> {
  return reading(db, spec, "reading the ledger", async (client) =>
    (await findRuns(client, spec.name)).map(publicRun),
  );
}

/** How many rows of a run are listed. The others are counted. */
const listedRows = 1000;

/**
 * What one run did to each row, from the journal, with every value masked that may be secret: the first thousand,
 * and how many more there are.
 * @returns undefined when the ledger has no such generation; no `before` once the undo data was discarded
 */
export async function readRunRows(
  db: Db,
  spec: CutoverSpec,
  generation: number,
): Promise<{ rows: RunRow[]; more: number } | undefined> {
  return reading(db, spec, "reading the journal", async (client) => {
    const run = (await findRuns(client, spec.name)).find((one) => one.generation === generation);
    if (run === undefined) return undefined;
    const rows = (await readRowEntries(client, run, listedRows)).map(rowOf);
    const more = rows.length < listedRows ? 0 : (await countRowEntries(client, run)) - rows.length;
    return { rows, more };
  });
}

async function reading<T>(
  db: Db,
  spec: CutoverSpec,
  doing: string,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const limits = limitsOf(spec);
  return session({ db, name: `history ${spec.name}`, limits, mode: "read only", doing }, work);
}

function rowOf(entry: RowEntry): RunRow {
  const { action, keyBefore, keyAfter } = entry;
  const renamed = keyBefore !== null && keyAfter !== null && keyId(keyBefore) !== keyId(keyAfter);
  const keys = [...(keyBefore ?? []), ...(keyAfter ?? [])];
  const before = parseDocument(keys, entry.beforeConfig)?.content;
  const after = parseDocument(keys, entry.afterConfig)?.content;
  return {
    key: nameOf(keyAfter ?? keyBefore ?? entry.keyFound),
    ...(renamed ? { keyBefore: nameOf(keyBefore) } : {}),
    action,
    ...(before === undefined ? {} : { from: describe(before), before: mask(before) }),
    ...(after === undefined ? {} : { to: describe(after), after: mask(after) }),
  };
}

function nameOf(key: KeyValues | null): string {
  return key === null ? "" : keyName(key);
}

/** Replaces values by a mask, except those that {@link describe} shows too. */
function mask(content: Readonly<Record<string, unknown>>): MaskedDocument {
  return Object.fromEntries(
    Object.entries(content).map(([name, value]) => [name, known(name, value) ?? hide(value)]),
  );
}

function known(name: string, value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  if (name === "url") return plainUrl(value);
  if (name === "transport") return value;
  return name === "command" ? programOf(value) : undefined;
}

function hide(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(hide);
  if (typeof value !== "object" || value === null) return "•••";
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, hide(inner)]));
}
