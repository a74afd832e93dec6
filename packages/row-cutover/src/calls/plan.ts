import { checkSpec } from "../decide/check-spec";
import { specHash } from "../decide/hash";
import { shown } from "../postgres/errors";
import { limitsOf, withClient, withTransaction } from "../postgres/session";
import { neighbourWarnings } from "../postgres/side-effects";
import { analyse } from "../run/analyse";
import { estimate, sizeWarnings } from "../run/estimate";
import type { CutoverSpec, Db, LedgerState, RowPlan, Target } from "../spec";
import { findRun, publicRun } from "../store/ledger";

/**
 * What `runCutover` would do, read in a READ ONLY transaction.
 * @throws UserError for everything that would stop the run before it writes
 */
export async function planRows(db: Db, spec: CutoverSpec, target: Target): Promise<RowPlan> {
  checkSpec(spec);
  const limits = limitsOf(spec);
  try {
    return await withClient(db, `plan ${spec.name}`, limits, (client) =>
      withTransaction(client, limits, "read only", async () => {
        const analysis = await analyse(client, spec, target);
        const size = estimate(analysis);
        return {
          target,
          generation: analysis.generation,
          hash: specHash(spec, target),
          changes: analysis.changes,
          warnings: [
            ...analysis.warnings,
            ...(await neighbourWarnings(client, analysis)),
            ...sizeWarnings(size),
          ],
          size,
          noop: analysis.kind === "noop",
        };
      }),
    );
  } catch (error) {
    throw shown(error, "planning the rows");
  }
}

/** The newest ledger entry; undefined before the first run. Writes nothing. */
export async function readLedger(db: Db, spec: CutoverSpec): Promise<LedgerState | undefined> {
  const limits = limitsOf(spec);
  try {
    return await withClient(db, `ledger ${spec.name}`, limits, (client) =>
      withTransaction(client, limits, "read only", async () => {
        const run = await findRun(client, spec.name);
        return run === undefined ? undefined : publicRun(run);
      }),
    );
  } catch (error) {
    throw shown(error, "reading the ledger");
  }
}
