import { UserError } from "@mcp-fleet/errors";

import type { ResourceType } from "../resource-type";
import { type JsonObject, textAt } from "../values";
import { roleExists, type Server } from "./server";

const other = { replaces: true } as const;

const readMembership = `
  SELECT bool_or(m.admin_option) AS admin
  FROM pg_auth_members m
    JOIN pg_roles member ON member.oid = m.member JOIN pg_roles granted ON granted.oid = m.roleid
  WHERE member.rolname = $1 AND granted.rolname = $2 HAVING count(*) > 0`;

/** `GrantRole`: makes one role a member of another. */
export function grantRoleType(server: Server): ResourceType {
  const both = (values: JsonObject): [string, string] => [
    textAt(values, "role") ?? "",
    textAt(values, "grantRole") ?? "",
  ];

  return {
    token: "postgresql:index/grantRole:GrantRole",
    attributes: {
      role: other,
      grantRole: other,
      withAdminOption: { ...other, initial: false },
    },
    async create(inputs) {
      const [role, granted] = both(inputs);
      const isAdmin = inputs.withAdminOption === true;
      await server.transaction(server.database, (db) =>
        db.query(
          `GRANT ${db.escapeIdentifier(granted)} TO ${db.escapeIdentifier(role)}${isAdmin ? " WITH ADMIN OPTION" : ""}`,
        ),
      );
      // In the real plugin's format.
      const id = `${role}_${granted}_${isAdmin}`;
      return { id, state: { ...inputs, withAdminOption: isAdmin } };
    },
    async read(id, known) {
      if (known === undefined) {
        throw new UserError(
          "A GrantRole of postgresql cannot be imported, by the real plugin neither.",
          "Declare it without `import`: it takes over a membership that is there.",
        );
      }
      const { rows } = await server.connected(server.database, (db) =>
        db.query<{ admin: boolean }>(readMembership, both(known)),
      );
      const [membership] = rows;
      if (membership === undefined) return undefined;
      return { id, state: { ...known, withAdminOption: membership.admin } };
    },
    async remove({ state }) {
      const [role, granted] = both(state);
      await server.transaction(server.database, async (db) => {
        if (!(await roleExists(db, role)) || !(await roleExists(db, granted))) return;
        await db.query(`REVOKE ${db.escapeIdentifier(granted)} FROM ${db.escapeIdentifier(role)}`);
      });
    },
  };
}
