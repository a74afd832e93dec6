import { checkSpec } from "../decide/check-spec";
import { specHash } from "../decide/hash";
import type { LedgerState, RowPlan } from "../decide/results";
import type { CutoverSpec, Db, Target } from "../decide/spec";
import { limitsOf, session } from "../postgres/session";
import { analyse } from "../run/analyse";
import { estimate, sizeWarnings } from "../run/estimate";
import { sideEffectWarnings } from "../run/side-effects";
import { findRun, publicRun } from "../store/ledger";

/**
 * What `runCutover` would do, read in a READ ONLY transaction.
 * @throws UserError for everything that would stop the run before it writes
 */
export async function planRows(db: Db, spec: CutoverSpec, target: Target): Promise<RowPlan> {
  checkSpec(spec);
  const limits = limitsOf(spec);
  const doing = "planning the rows";
  return session(
    { db, name: `plan ${spec.name}`, limits, mode: "read only", doing },
    async (client) => {
      const analysis = await analyse(client, spec, target);
      const size = estimate(analysis);
      return {
        target,
        generation: analysis.generation,
        hash: specHash(spec, target),
        changes: analysis.changes,
        warnings: [
          ...analysis.warnings,
          ...(await sideEffectWarnings(client, analysis)),
          ...sizeWarnings(size),
        ],
        size,
        noop: analysis.kind === "noop",
      };
    },
  );
}

/** The newest ledger entry; undefined before the first run. Writes nothing. */
export async function readLedger(db: Db, spec: CutoverSpec): Promise<LedgerState | undefined> {
  const limits = limitsOf(spec);
  const doing = "reading the ledger";
  return session(
    { db, name: `ledger ${spec.name}`, limits, mode: "read only", doing },
    async (client) => {
      const run = await findRun(client, spec.name);
      return run === undefined ? undefined : publicRun(run);
    },
  );
}
