import { type Credentials, withDatabase } from "@mcp-fleet/cutover-runner";
import { isUserError } from "@mcp-fleet/errors";

import type { Fleet } from "../fleet";
import { clockFinding } from "./clock";
import { type Finding, ok, refused } from "./finding";

/**
 * Checks the database for a run: its identity, the role's rights, its clock. READ ONLY.
 * @param ownRole whether the login is the cutover's; otherwise its rights say nothing
 */
export async function checkDatabase(
  fleet: Fleet,
  credentials: Credentials,
  ownRole = true,
): Promise<Finding[]> {
  try {
    const { readReadiness } = await import("@mcp-fleet/row-cutover");
    let before = 0;
    const found = await withDatabase(fleet, credentials, (db) => {
      before = Date.now();
      return readReadiness(db, fleet.spec);
    });
    const { identity, role, version, clock, refusal, warnings } = found;
    const which =
      identity === undefined
        ? ""
        : `, database ${identity.databaseName} of system ${identity.systemIdentifier}`;
    return [
      ok("database", `PostgreSQL ${version}${which}, as ${role}`),
      ...(ownRole
        ? refusal === undefined
          ? [ok("database rights", `${role} may do what a run does`)]
          : [refused("database rights", refusal)]
        : [
            {
              check: "database rights",
              state: "unseen" as const,
              said: "the cutover's role is made by the stack (database.manage), with its rights",
            },
          ]),
      ...warnings.map((said) => ({ check: "database rights", state: "warn" as const, said })),
      clockFinding("clock", "The database's clock", { there: clock, before, after: Date.now() }),
    ];
  } catch (error) {
    if (!isUserError(error)) throw error;
    return [refused("database", error)];
  }
}
