import type { Client } from "pg";

import type { ResourceType } from "../resource-type";
import { type JsonObject, textAt } from "../values";
import { asMemberOf, type Server, unlessGone } from "./server";

const readOwner = "SELECT pg_get_userbyid(nspowner) AS owner FROM pg_namespace WHERE nspname = $1";

/** `Schema`, without the `policies` that the real plugin deprecates. */
export function schemaType(server: Server): ResourceType {
  const databaseOf = (values: JsonObject): string => textAt(values, "database") ?? server.database;

  async function read(
    database: string,
    name: string,
    known: JsonObject,
  ): Promise<JsonObject | undefined> {
    const owner = await unlessGone(server.connected(database, (db) => ownerOf(db, name)));
    if (owner === undefined) return undefined;
    const ifNotExists = known.ifNotExists ?? true;
    return { name, database, owner, ifNotExists, dropCascade: known.dropCascade === true };
  }

  return {
    token: "postgresql:index/schema:Schema",
    attributes: {
      name: {},
      database: { computed: true, replaces: true },
      owner: { computed: true },
      ifNotExists: { initial: true },
      dropCascade: { initial: false },
    },
    async create(inputs) {
      const [database, name] = [databaseOf(inputs), textAt(inputs, "name") ?? ""];
      const owner = textAt(inputs, "owner");
      await server.transaction(database, async (db) => {
        if (inputs.ifNotExists === false || (await ownerOf(db, name)) === undefined) {
          await db.query(`CREATE SCHEMA ${db.escapeIdentifier(name)}`);
        }
        await own(db, name, owner);
      });
      const state = (await read(database, name, inputs)) ?? inputs;
      return { id: `${database}.${name}`, state };
    },
    async update({ state }, inputs) {
      const [old, name] = [textAt(state, "name") ?? "", textAt(inputs, "name") ?? ""];
      const database = databaseOf(state);
      await server.transaction(database, async (db) => {
        if (old !== name) {
          await asMemberOf(db, (await ownerOf(db, old)) ?? "", () =>
            db.query(
              `ALTER SCHEMA ${db.escapeIdentifier(old)} RENAME TO ${db.escapeIdentifier(name)}`,
            ),
          );
        }
        await own(db, name, textAt(inputs, "owner"));
      });
      return (await read(database, name, inputs)) ?? inputs;
    },
    async read(id, known) {
      // An import's id is `database.schema`.
      const [database = "", name = ""] = known === undefined ? split(id) : [];
      const state = await read(
        known === undefined ? database : databaseOf(known),
        textAt(known, "name") ?? name,
        known ?? {},
      );
      return state === undefined ? undefined : { id, state };
    },
    async remove({ state }) {
      const name = textAt(state, "name") ?? "";
      const how = state.dropCascade === true ? "CASCADE" : "RESTRICT";
      const dropped = server.transaction(databaseOf(state), async (db) => {
        const owner = await ownerOf(db, name);
        if (owner === undefined) return;
        await asMemberOf(db, owner, () =>
          db.query(`DROP SCHEMA ${db.escapeIdentifier(name)} ${how}`),
        );
      });
      await unlessGone(dropped);
    },
  };
}

async function ownerOf(db: Client, schema: string): Promise<string | undefined> {
  return (await db.query<{ owner: string }>(readOwner, [schema])).rows[0]?.owner;
}

async function own(db: Client, schema: string, owner: string | undefined): Promise<void> {
  const before = await ownerOf(db, schema);
  if (owner === undefined || before === undefined || before === owner) return;
  await asMemberOf(db, before, () =>
    asMemberOf(db, owner, () =>
      db.query(
        `ALTER SCHEMA ${db.escapeIdentifier(schema)} OWNER TO ${db.escapeIdentifier(owner)}`,
      ),
    ),
  );
}

function split(id: string): [string, string] {
  const dot = id.indexOf(".");
  return [id.slice(0, Math.max(dot, 0)), id.slice(dot + 1)];
}
