import { isUserError, messageOf } from "@mcp-fleet/errors";
import type { RowPlan } from "@mcp-fleet/row-cutover";

import { withDatabase } from "./database";
import type { Credentials, CutoverInputs } from "./types";

/** How long a preview waits for the database, in seconds. */
const limitSeconds = 3;

/**
 * What a run would write, read only. A database that does not answer in time, or a cluster that leads to it, is
 * an answer, not an error: a preview must not depend on it.
 */
export async function previewRows(
  inputs: Pick<CutoverInputs, "spec" | "target" | "database" | "kubernetes">,
  credentials: Credentials,
): Promise<RowPlan | { unreachable: string }> {
  const rows = await import("@mcp-fleet/row-cutover");
  const plan = withDatabase(inputs, credentials, (db) =>
    rows.planRows(db, inputs.spec, inputs.target),
  );
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<{ unreachable: string }>((resolve) => {
    timer = setTimeout(
      () => resolve({ unreachable: `the database did not answer within ${limitSeconds} seconds` }),
      limitSeconds * 1000,
    );
  });
  try {
    return await Promise.race([plan, late]);
  } catch (error) {
    return { unreachable: isUserError(error) ? error.problem : messageOf(error) };
  } finally {
    clearTimeout(timer);
    // The plan may still fail after the answer was given; its connection has limits of its own.
    plan.catch(() => undefined);
  }
}
