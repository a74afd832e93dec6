import { namedKeys } from "../decide/layout";
import type { StoredRow } from "../decide/rows";
import type { CutoverSpec } from "../decide/spec";
import { textArray } from "../postgres/documents-sql";
import { ident } from "../postgres/identifiers";
import { isOwnSql, serverColumnSql } from "../postgres/rows";
import type { TableShape } from "../postgres/table";
import type { Layout } from "./layout";
import { planGroups } from "./plan-groups";
import { planUndoGroups } from "./plan-undo-groups";
import { restoreGroups, writeUnread } from "./write-groups";

/**
 * Each entry of the configuration is all rows of a server. SQL counts them in groups, one decision is made for each
 * group, and SQL writes it. Only rows that SQL cannot read pass through memory, a batch at a time.
 */
export const rowPerTenant: Layout = {
  planForward: async (client, { given, shape, tableRows, active }) => {
    const input = {
      ...given,
      rows: new Map<string, StoredRow>(),
      // SQL looks the keys up where they are needed.
      previous: active === undefined ? undefined : new Map<string, null>(),
      seedable: new Set<string>(),
    };
    return { ...(await planGroups(client, input, shape, tableRows)), input };
  },
  planUndo: planUndoGroups,
  writeWithoutSteps: writeUnread,
  restoreWithoutSteps: restoreGroups,
  // Every row of the run that was overwritten has just been written again.
  lateSteps: (_client, _run, { steps }) =>
    Promise.resolve(steps.filter(({ action }) => action === "rewrite")),
  documents,
};

/** Each document of a server once. */
function documents(spec: CutoverSpec, shape: TableShape): string {
  const server = serverColumnSql(spec);
  const named = `${server} = any(${textArray(namedKeys(spec).flat())})`;
  return `select array[${server}] as key, t.${ident(spec.table.config)}::text as config, count(*)::int as count
            from ${shape.rows} t
           where ${isOwnSql(spec)} ${spec.table.type === undefined ? `and ${named}` : ""}
           group by 1, 2 order by 1`;
}
