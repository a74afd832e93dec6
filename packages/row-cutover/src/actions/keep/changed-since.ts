import { UserError } from "@mcp-fleet/errors";

import { describe, parseDocument } from "../../decide/document";
import { keyId, keyName, keySet, listed } from "../../decide/keys";
import type { RowChange } from "../../decide/results";
import { isOwn, type StoredRow } from "../../decide/rows";
import type { CutoverSpec } from "../../decide/spec";
import type { UndoDraft, UndoInput, UndoPlan } from "../../decide/steps";

/** The plan's entry for a row that stays because it was changed or created since. */
export function describeKept(spec: CutoverSpec, row: StoredRow, reason: string): RowChange {
  const current = parseDocument(row.key, row.config);
  return {
    key: keyName(row.key),
    action: spec.onConflict === "fail" ? "conflict" : "keep",
    ...(current === undefined ? {} : { from: describe(current.content) }),
    also: [reason],
  };
}

/** @throws UserError that lists the changed rows, where `onConflict` is `fail` */
export function refuseConflicts(spec: CutoverSpec, plan: UndoPlan): void {
  const { count } = plan.conflicts;
  if (spec.onConflict !== "fail" || count === 0) return;
  const names = plan.conflicts.list.map(({ key, reason }) => `${key} (${reason})`);
  const list = listed(names, "; ", count);
  throw new UserError(
    `${count === 1 ? "A row was" : `${count} rows were`} changed since the cutover, so nothing is undone: ${list}.`,
    "Look at them, then set [cutover.onConflict] to keep (leave those rows as they are) or to force (restore them all the same).",
  );
}

/** Finds rows in the new form that no run wrote: the journal has nothing to restore them from. */
export function findWithoutJournal(
  { spec, rows, entries }: UndoInput,
  { conflicts, changes }: UndoDraft,
): void {
  const known = keySet([
    ...entries.flatMap((entry) => [entry.keyAfter ?? [], entry.keyBefore ?? []]),
    ...spec.deferred,
    ...spec.skip,
  ]);
  for (const row of rows.values()) {
    if (known.has(keyId(row.key)) || known.has(keyId(row.match)) || !isOwn(spec, row)) continue;
    const document = parseDocument(row.key, row.config);
    if (typeof document?.content.url !== "string") continue;
    const reason = "was made since the cutover and has no earlier form";
    conflicts.push({ key: keyName(row.key), reason });
    changes.push(describeKept(spec, row, reason));
  }
}
