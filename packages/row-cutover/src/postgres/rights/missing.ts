import { UserError } from "@mcp-fleet/errors";

import type { RightsFacts } from "./facts";
import type { RequiredRight } from "./required";

/** The statement that grants a right. @param role quoted */
export function grantOf(
  { on, privileges, columns, owned }: RequiredRight,
  role: string,
  wanted: readonly string[] = privileges,
): string {
  if (owned === true) return `create schema if not exists mcp_cutover authorization ${role};`;
  const listed = columns === undefined ? "" : ` (${columns.join(", ")})`;
  return `grant ${wanted.map((one) => `${one}${listed}`).join(", ")} on ${on} to ${role};`;
}

/** The privileges that the role does not have. */
export function missingPrivileges({ privileges, held }: RequiredRight): string[] {
  return privileges.filter((one) => !held.includes(one));
}

/** The role, and the state of its ledger where that is among the rights. */
type RoleFacts = Pick<RightsFacts, "role"> & Partial<Pick<RightsFacts, "ledger">>;

/** @throws UserError that names all missing rights and how to grant them. Optional rights are left out. */
export function refuseMissing(facts: RoleFacts, rights: readonly RequiredRight[]): void {
  const missing = rights.filter(
    (right) => right.optional !== true && missingPrivileges(right).length > 0,
  );
  if (missing.length > 0) throw missingRights(facts, mergeRights(missing));
}

/** The order in which GRANT lists privileges. */
const order = ["connect", "usage", "create", "select", "insert", "update", "delete", "trigger"];

/** One right for each object, with all configuration keys that ask for it. */
export function mergeRights(rights: readonly RequiredRight[]): RequiredRight[] {
  return [...new Set(rights.map(({ on }) => on))].flatMap((on) => {
    const same = rights.filter((right) => right.on === on);
    const [first] = same;
    const all = new Set(same.flatMap(({ privileges }) => privileges));
    const key = [...new Set(same.map((one) => one.key))].join(", ");
    return first === undefined
      ? []
      : [{ ...first, key, privileges: order.filter((one) => all.has(one)) }];
  });
}

function missingRights({ role, ledger }: RoleFacts, missing: readonly RequiredRight[]): UserError {
  const texts = missing.map((right) => {
    const { on, key, unreadable, owned } = right;
    if (owned === true) {
      return ledger === "closed"
        ? `may not create the ledger's tables in schema mcp_cutover`
        : `may not create the schema mcp_cutover for ledger and journal, which is missing`;
    }
    if (unreadable !== undefined) return `may not read ${unreadable.join(", ")} of ${on} [${key}]`;
    const names = missingPrivileges(right).map((one) => `no ${one.toUpperCase()}`);
    return `has ${names.join(" and ")} privilege on ${on} [${key}]`;
  });
  const grants = missing.map((right) =>
    right.owned === true && ledger === "closed"
      ? `alter schema mcp_cutover owner to ${role};`
      : grantOf(
          right.unreadable === undefined ? right : { ...right, columns: right.unreadable },
          role,
          missingPrivileges(right),
        ),
  );
  return new UserError(
    `The database role ${role} of [databaseUrl] ${texts.join(", ")}.`,
    `Run as an administrator of the database (mcp-fleet grants prints everything that the stack needs): ${grants.join(" ")}`,
  );
}
