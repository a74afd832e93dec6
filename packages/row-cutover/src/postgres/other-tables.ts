import { UserError } from "@mcp-fleet/errors";

import { listed } from "../decide/refusals";
import type { TableShape } from "./table";

/**
 * Has every row of the table be one of its own, or of a partition here: a trigger does not fire for the rows of a table
 * that inherits, and another server commits by itself.
 * @throws UserError naming the tables
 */
export function refuseOtherTables(shape: TableShape, name: string): void {
  const { heirs, elsewhere } = shape;
  if (heirs.length > 0) {
    throw new UserError(
      `Tables inherit from ${name} (${listed(heirs)}), and a write fence does not hold their rows.`,
      `Have the table's owner take them off: ${heirs.map((heir) => `alter table ${heir} no inherit ${shape.name};`).join(" ")}`,
    );
  }
  if (elsewhere.length === 0) return;
  throw new UserError(
    `Partitions of ${name} are on another server (${listed(elsewhere)}), which commits and takes back by itself.`,
    `Have the table's owner take them off: ${elsewhere.map((one) => `alter table ${shape.name} detach partition ${one};`).join(" ")}`,
  );
}
