import { UserError } from "@mcp-fleet/errors";
import type { Client } from "pg";

import { listed } from "../decide/keys";
import type { CutoverSpec } from "../decide/spec";
import { columnOf } from "./columns";
import { shownName } from "./identifiers";
import { readRightsFacts } from "./rights/facts";
import { refuseMissing } from "./rights/missing";
import { comparedColumns, rightsOfCheck } from "./rights/required";
import type { TableShape } from "./table";

/** @throws UserError when row security hides rows, when rules change writes, or when rows are in other tables */
export function checkTable(shape: TableShape): void {
  checkRowSecurity(shape);
  refuseRules(nameOf(shape), shape.rules);
  refuseInheritance(shape, nameOf(shape));
}

/**
 * Checks that a role which only compares may read what it needs. Rights on single columns are enough.
 * @param more columns beside those that the configuration names
 * @throws UserError naming the columns that the role may not read
 */
export async function checkReadable(
  client: Client,
  spec: CutoverSpec,
  shape: TableShape,
  more: readonly string[] = [],
): Promise<void> {
  for (const name of comparedColumns(spec, more)) columnOf(shape, name);
  const facts = await readRightsFacts(client, spec);
  refuseMissing(facts, rightsOfCheck(facts, spec, shape.columns, more));
  checkRowSecurity(shape);
}

function checkRowSecurity(shape: TableShape): void {
  if (!shape.rowSecurity) return;
  throw new UserError(
    `Row-level security on ${nameOf(shape)} hides rows from the database role, so a run could miss some.`,
    "Use a role with BYPASSRLS, or the table's owner.",
  );
}

function nameOf({ spec }: TableShape): string {
  return shownName(spec.schema, spec.table);
}

/** @throws UserError for a table with rules: they rewrite statements, and `with` statements do not allow them */
export function refuseRules(name: string, rules: readonly string[]): void {
  if (rules.length === 0) return;
  throw new UserError(
    `${name} has rules that change what a run writes: ${rules.join(", ")}.`,
    `Have the table's owner switch them off for the run: ${rules.map((rule) => `alter table ${name} disable rule ${rule};`).join(" ")}`,
  );
}

/**
 * Checks that all rows are in the table itself or in partitions on this server. Triggers do not fire for rows of tables
 * that inherit, and another server commits on its own.
 * @throws UserError naming the tables
 */
function refuseInheritance(shape: TableShape, name: string): void {
  const { inheritors, foreignPartitions } = shape;
  if (inheritors.length > 0) {
    throw new UserError(
      `Tables inherit from ${name} (${listed(inheritors)}), and a write fence does not protect their rows.`,
      `Have the table's owner detach them: ${inheritors.map((inheritor) => `alter table ${inheritor} no inherit ${shape.name};`).join(" ")}`,
    );
  }
  if (foreignPartitions.length === 0) return;
  throw new UserError(
    `Partitions of ${name} are on another server (${listed(foreignPartitions)}), which commits and rolls back on its own.`,
    `Have the table's owner detach them: ${foreignPartitions.map((one) => `alter table ${shape.name} detach partition ${one};`).join(" ")}`,
  );
}
