import type { CutoverSpec } from "../../decide/spec";
import type { ForwardStep } from "../../decide/steps";
import {
  differingColumnsSql,
  isEmbeddedSql,
  isPlainSql,
  isTargetSql,
  plainContentSql,
} from "../../postgres/documents-sql";
import { isOwnSql, serverColumnSql } from "../../postgres/rows";
import { inScope, type TableShape } from "../../postgres/table";

/** How SQL finds the rows `t` of steps `d`. */
export interface RowFinder {
  /** The columns of `d` that {@link RowFinder.record} fills. */
  readonly columns: string;
  /** Whether rows keep their keys: then the journal needs each key only once. */
  readonly keepsKeys: boolean;
  record(step: ForwardStep): object;
  /** The condition that joins `d` and `t`. */
  join(spec: CutoverSpec, shape: TableShape): string;
}

/** One row, by the place of its version: nobody else can write the table. */
const byPlace: RowFinder = {
  columns: "part oid, tid tid, key_after text[]",
  keepsKeys: false,
  record: (step) => ({ ...step.at, key_after: step.keyAfter }),
  join: () => "t.ctid = d.tid and t.tableoid = d.part",
};

/**
 * All rows of a group, by what the plan counted them by. `is not false` only changes the planner's estimate: it takes
 * a comparison of expressions for a selective one, and would read the table once for each step.
 */
const byForm: RowFinder = {
  columns: "key_after text[], server text, there boolean, embedded boolean, differs text[]",
  keepsKeys: true,
  record: (step) => ({ ...step.form, server: step.keyAfter[0] }),
  join: (spec, shape) => {
    const content = plainContentSql(shape);
    const form = [
      `coalesce(${isPlainSql(shape)}, false)`,
      `${isTargetSql(spec, content)} = d.there`,
      `${isEmbeddedSql(content)} = d.embedded`,
      `${differingColumnsSql(spec)} = d.differs`,
    ];
    return `${serverColumnSql(spec)} = d.server and ${isOwnSql(spec)} and ${inScope(spec.table, "t")} and ${form.map((one) => `(${one}) is not false`).join(" and ")}`;
  },
};

/** Steps of one statement are all found in the same way. */
export function finderOf(steps: readonly ForwardStep[]): RowFinder {
  return steps[0]?.form === undefined ? byPlace : byForm;
}
