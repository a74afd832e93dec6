import { messageOf } from "@mcp-fleet/errors";

import { type DatabaseInputs, withDatabase } from "./database";
import type { Credentials, CutoverInputs } from "./types";

/** In row-cutover's README too. */
const byHand =
  "select format('drop function %s cascade;', oid::regprocedure) from pg_proc where pronamespace = to_regnamespace('mcp_cutover');";

/**
 * Removes the write fence when the stack that would have settled it is destroyed. Never fails, since a stack must be
 * removable without its database. If the fence could not be removed, the lines say how to do it by hand.
 * @param props what is in state; of an earlier release, so anything may be missing
 * @returns lines for the user; empty when there was no fence
 */
export async function dropFenceStep(
  props: Partial<DatabaseInputs & Pick<CutoverInputs, "spec">>,
  credentials: Credentials | undefined,
): Promise<string> {
  const { spec, database, kubernetes = {} } = props;
  const name = spec?.name ?? "";
  try {
    if (spec === undefined || database === undefined)
      throw new Error("State does not say where the rows are");
    if (credentials === undefined) throw new Error("mcp-fleet:databaseUrl is not set");
    const rows = await import("@mcp-fleet/row-cutover");
    const removed = await withDatabase({ database, kubernetes }, credentials, (db) =>
      rows.removeFence(db, spec),
    );
    return removed ? `Cutover ${name}: the write fence is removed.\n` : "";
  } catch (error) {
    const reason = messageOf(error).split("\n")[0]?.replace(/\.$/, "") ?? "";
    return (
      `warning: Cutover ${name}: whether a write fence is left on the rows is not known. ${reason}.\n` +
      `Run what this prints in the application's database, as the fence's owner:\n  ${byHand}\n`
    );
  }
}
