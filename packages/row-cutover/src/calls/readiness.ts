import { isUserError, type UserError } from "@mcp-fleet/errors";

import { checkSpec } from "../decide/check-spec";
import type { CutoverSpec, Db } from "../decide/spec";
import { checkDatabase, type DatabaseIdentity } from "../postgres/database";
import { checkReadiness } from "../postgres/rights/check";
import { limitsOf, session } from "../postgres/session";
import { checkLedger } from "../store/access";

/** What a run would find in a database. */
export interface Readiness {
  /** Absent where it could not be read. */
  readonly identity?: DatabaseIdentity;
  readonly role: string;
  /** Such as `18.1`. */
  readonly version: string;
  /** Milliseconds since the epoch, by the database's clock. */
  readonly clock: number;
  /** What would stop a run before it reads any row. */
  readonly refusal?: UserError;
  readonly warnings: readonly string[];
}

/**
 * Checks the database as a run does before it reads rows: its identity, its ledger, the role's rights. READ
 * ONLY.
 * @throws UserError when it does not answer
 */
export async function readReadiness(db: Db, spec: CutoverSpec): Promise<Readiness> {
  checkSpec(spec);
  const limits = limitsOf(spec);
  const doing = "looking at the database";
  return session(
    { db, name: `readiness ${spec.name}`, limits, mode: "read only", doing },
    async (client) => {
      const found = await client.query<Pick<Readiness, "role" | "version" | "clock">>(
        `select current_user::text as role, current_setting('server_version') as version,
                  (extract(epoch from clock_timestamp()) * 1000)::float8 as clock`,
      );
      const about = found.rows[0] ?? { role: "", version: "", clock: 0 };
      let identity: DatabaseIdentity | undefined;
      try {
        identity = await checkDatabase(client, spec);
        await checkLedger(client, spec, identity);
        return { ...about, identity, warnings: await checkReadiness(client, spec) };
      } catch (error) {
        if (!isUserError(error)) throw error;
        return {
          ...about,
          ...(identity === undefined ? {} : { identity }),
          refusal: error,
          warnings: [],
        };
      }
    },
  );
}
