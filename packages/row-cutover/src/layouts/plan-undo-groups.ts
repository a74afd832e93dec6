import type { Client } from "pg";

import { ChangeList } from "../decide/change-list";
import { keyName } from "../decide/keys";
import type { CutoverSpec } from "../decide/spec";
import type { Conflict, UndoPlan } from "../decide/steps";
import type { TableShape } from "../postgres/table";
import { columnsOf } from "../store/journal";
import type { Run } from "../store/ledger";
import type { PlannedUndo } from "./layout";
import { countPairs, describeExample, planOthers, type UndoPairs } from "./undo-pairs";

/** How many conflicts and warnings are listed. All are counted. */
const listedRows = 100;

/**
 * Plans an undo of a table with a row for each tenant. SQL counts the rows that are exactly as the run left them. All
 * others (changed, deleted or made since) are compared one by one, in batches, and leave only counts.
 */
export async function planUndoGroups(
  client: Client,
  spec: CutoverSpec,
  shape: TableShape,
  undone: Run,
): Promise<PlannedUndo> {
  const columns = await columnsOf(client, shape, undone);
  const pairs: UndoPairs = { client, spec, shape, undone, columns };
  const changes = new ChangeList();
  const asLeft = { written: 0, unchanged: 0 };
  const readSize = { rows: 0, bytes: 0 };
  let others = 0;
  for (const { state, count, bytes, match, example } of await countPairs(pairs)) {
    const rows = Number(count);
    readSize.rows += rows;
    readSize.bytes += Number(bytes ?? 0);
    if (state === "written" || state === "unchanged") {
      asLeft[state] += rows;
      const change = await describeExample(pairs, example ?? "");
      changes.add({ ...change, key: match ?? "", count: rows });
    } else others += rows;
  }
  const { counts, ...compared } = await compareOthers(pairs, others, changes);
  return {
    plan: {
      ...{ steps: [], columns, changes: changes.all(), ...compared },
      withoutSteps: { ...asLeft, ...counts },
    },
    readSize,
  };
}

/** Compares the rows that are not as the run left them. @param others how many there are */
async function compareOthers(
  pairs: UndoPairs,
  others: number,
  changes: ChangeList,
): Promise<
  Pick<UndoPlan, "conflicts" | "warnings"> & { readonly counts: { restore: number; kept: number } }
> {
  const list: Conflict[] = [];
  const warnings = new Set<string>();
  const counts = { restore: 0, kept: 0 };
  let conflicts = 0;
  let omitted = 0;
  for await (const { plan, rows } of others > 0 ? planOthers(pairs) : []) {
    conflicts += plan.conflicts.count;
    list.push(...plan.conflicts.list.slice(0, listedRows - list.length));
    for (const warning of plan.warnings) {
      if (warnings.size < listedRows) warnings.add(warning);
      else if (!warnings.has(warning)) omitted += 1;
    }
    const servers = new Map(
      [...rows.values()].map((row) => [keyName(row.key), keyName(row.match)]),
    );
    for (const change of plan.changes) {
      // Conflicts are listed by row, all other changes by server.
      const stays = change.action === "conflict" || change.action === "keep";
      const alone = stays && changes.size < listedRows;
      changes.add(alone ? change : { ...change, key: servers.get(change.key) ?? "(gone)" });
    }
    for (const { action } of plan.steps) counts[action === "restore" ? "restore" : "kept"] += 1;
  }
  if (omitted > 0) warnings.add(`There are ${omitted} more rows like these.`);
  return { conflicts: { count: conflicts, list }, warnings: [...warnings], counts };
}
