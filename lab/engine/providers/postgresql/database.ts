import type { ResourceType } from "../resource-type";
import { type JsonObject, textAt } from "../values";
import type { Server } from "./server";

interface DatabaseRow {
  owner: string;
  encoding: string;
  lcCollate: string;
  lcCtype: string;
}

const readDatabase = `
  SELECT pg_get_userbyid(datdba) AS "owner", pg_encoding_to_char(encoding) AS "encoding",
    datcollate AS "lcCollate", datctype AS "lcCtype"
  FROM pg_database WHERE datname = $1`;

/** `Database`; the program sets only its name. */
export function databaseType(server: Server): ResourceType {
  async function read(name: string): Promise<JsonObject | undefined> {
    const { rows } = await server.connected(server.database, (db) =>
      db.query<DatabaseRow>(readDatabase, [name]),
    );
    return rows[0] === undefined ? undefined : { name, ...rows[0] };
  }

  return {
    token: "postgresql:index/database:Database",
    attributes: { name: {} },
    computedOutputs: ["owner", "encoding", "lcCollate", "lcCtype"],
    async create(inputs) {
      const name = textAt(inputs, "name") ?? "";
      await server.connected(server.database, (db) =>
        // Like the real plugin's defaults.
        db.query(
          `CREATE DATABASE ${db.escapeIdentifier(name)} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'`,
        ),
      );
      return { id: name, state: (await read(name)) ?? inputs };
    },
    async update({ state }, inputs) {
      const [before, name] = [textAt(state, "name") ?? "", textAt(inputs, "name") ?? ""];
      await server.connected(server.database, (db) =>
        db.query(
          `ALTER DATABASE ${db.escapeIdentifier(before)} RENAME TO ${db.escapeIdentifier(name)}`,
        ),
      );
      return (await read(name)) ?? inputs;
    },
    async read(id, known) {
      // After a rename the engine still has the previous id.
      const name = textAt(known, "name") ?? id;
      const state = await read(name);
      return state === undefined ? undefined : { id: name, state };
    },
    async remove({ id, state }) {
      const name = textAt(state, "name") ?? id;
      await server.connected(server.database, (db) =>
        // Like the real plugin, it ends the remaining connections.
        db.query(`DROP DATABASE IF EXISTS ${db.escapeIdentifier(name)} WITH (FORCE)`),
      );
    },
  };
}
