import { UserError } from "@mcp-fleet/errors";
import type { Client } from "pg";

import type { Failure, ResourceType } from "../resource-type";
import { type JsonObject, sameValue, textAt, textsAt } from "../values";
import { grantSql, isPublic, objectTypes, readPrivileges, revokeSql } from "./grant-sql";
import { roleExists, type Server, unlessGone } from "./server";

const other = { replaces: true } as const;
const privilegePattern = /^[A-Z ]+$/;

/** `Grant`: privileges of one role, or of PUBLIC, on a database, a schema, tables or sequences. */
export function grantType(server: Server): ResourceType {
  const databaseOf = (values: JsonObject): string => textAt(values, "database") ?? "";

  async function grant(inputs: JsonObject): Promise<JsonObject> {
    await server.transaction(databaseOf(inputs), async (db) => {
      // The role never loses a privilege that it keeps, because this is one transaction.
      await db.query(revokeSql(db, inputs));
      if (textsAt(inputs, "privileges").length > 0) await db.query(grantSql(db, inputs));
    });
    return { withGrantOption: false, ...inputs };
  }

  return {
    token: "postgresql:index/grant:Grant",
    attributes: {
      role: other,
      database: other,
      schema: other,
      objectType: other,
      objects: { ...other, initial: [], unordered: true },
      withGrantOption: { ...other, initial: false },
      privileges: { unordered: true },
    },
    refuse,
    create: async (inputs) => ({ id: idOf(inputs), state: await grant(inputs) }),
    update: (_old, inputs) => grant(inputs),
    async read(id, known) {
      if (known === undefined) {
        throw new UserError(
          "A Grant of postgresql cannot be imported, by the real plugin neither.",
          "Declare it without `import`: it takes over what was granted.",
        );
      }
      const reading = server.connected(databaseOf(known), async (db) => {
        const role = textAt(known, "role") ?? "";
        if (!isPublic(role) && !(await roleExists(db, role))) return undefined;
        const { rows } = await db.query<{ name: string; privileges: string[] }>(readPrivileges, [
          ...[role, databaseOf(known), textAt(known, "schema") ?? ""],
          ...[textsAt(known, "objects"), textAt(known, "objectType") ?? ""],
        ]);
        return rows;
      });
      const found = await unlessGone(reading);
      return found === undefined ? undefined : { id, state: asFound(known, found) };
    },
    async remove({ state }) {
      const role = textAt(state, "role") ?? "";
      const revoked = server.transaction(databaseOf(state), async (db) => {
        if (!isPublic(role) && !(await roleExists(db, role))) return;
        const left = await whatIsLeft(db, state);
        if (left !== undefined) await db.query(revokeSql(db, left));
      });
      await unlessGone(revoked);
    },
  };
}

/** The grant on its remaining objects; undefined if there are none, or their schema is gone. */
async function whatIsLeft(db: Client, state: JsonObject): Promise<JsonObject | undefined> {
  if (textAt(state, "objectType") === "database") return state;
  const schema = textAt(state, "schema") ?? "";
  const { rows: schemas } = await db.query("SELECT FROM pg_namespace WHERE nspname = $1", [schema]);
  if (schemas.length === 0) return undefined;
  const objects = textsAt(state, "objects");
  if (objects.length === 0) return state;
  const { rows } = await db.query<{ relname: string }>(
    "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(quote_ident($1)) AND relname = ANY ($2)",
    [schema, objects],
  );
  const there = rows.map(({ relname }) => relname);
  return there.length === 0 ? undefined : { ...state, objects: there };
}

/** The state with the privileges of the first object whose privileges differ from it. */
function asFound(
  known: JsonObject,
  objects: readonly { name: string; privileges: string[] }[],
): JsonObject {
  const wanted = textsAt(known, "privileges").sort();
  // The meaning of ALL depends on the object and on PostgreSQL's version.
  if (wanted.some((privilege) => privilege.startsWith("ALL"))) return known;
  const missing = textsAt(known, "objects").find(
    (name) => !objects.some((object) => object.name === name),
  );
  const odd = objects.find(({ privileges }) => !sameValue(privileges, wanted));
  if (missing !== undefined) return { ...known, privileges: [] };
  return odd === undefined ? known : { ...known, privileges: odd.privileges };
}

function refuse(inputs: JsonObject): Failure[] {
  const type = textAt(inputs, "objectType") ?? "";
  const failures: Failure[] = [];
  if (!objectTypes.includes(type)) {
    failures.push({
      property: "objectType",
      reason: `The lab's own postgresql plugin grants nothing on the object type "${type}". Use one of ${objectTypes.join(", ")}, or the official plugin.`,
    });
  }
  if (type !== "database" && textAt(inputs, "schema") === undefined) {
    failures.push({
      property: "schema",
      reason: `A Grant on the object type "${type}" is in a schema. Name it in \`schema\`.`,
    });
  }
  const wrong = textsAt(inputs, "privileges").find(
    (privilege) => !privilegePattern.test(privilege),
  );
  if (wrong !== undefined) {
    failures.push({
      property: "privileges",
      reason: `"${wrong}" is not a privilege of PostgreSQL. Correct \`privileges\` of the Grant.`,
    });
  }
  return failures;
}

/** In the real plugin's format. */
function idOf(inputs: JsonObject): string {
  const type = textAt(inputs, "objectType") ?? "";
  const schema = type === "database" ? [] : [textAt(inputs, "schema") ?? ""];
  const parts = [textAt(inputs, "role") ?? "", textAt(inputs, "database") ?? "", ...schema, type];
  return [...parts, ...textsAt(inputs, "objects")].join("_");
}
