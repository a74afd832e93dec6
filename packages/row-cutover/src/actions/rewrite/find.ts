import type { CutoverSpec } from "../../decide/spec";
import {
  isPlain,
  isThere,
  otherColumns,
  plainContent,
  startsProcess,
} from "../../postgres/documents-sql";
import { ownRow, serverColumn } from "../../postgres/rows";
import { inScope, type TableShape } from "../../postgres/table";

/**
 * The condition that joins an entry `d` with the rows `t` of its class. `is not false` changes nothing but the
 * planner's guess: it takes a comparison of expressions for a rare one, and would read the table once per entry.
 */
export function classJoin(spec: CutoverSpec, shape: TableShape): string {
  const content = plainContent(shape);
  const form = [
    `coalesce(${isPlain(shape)}, false)`,
    `${isThere(spec, content)} = d.there`,
    `${startsProcess(content)} = d.embedded`,
    `${otherColumns(spec)} = d.differs`,
  ];
  return `${serverColumn(spec)} = d.server and ${ownRow(spec)} and ${inScope(spec.table, "t")} and ${form.map((one) => `(${one}) is not false`).join(" and ")}`;
}
