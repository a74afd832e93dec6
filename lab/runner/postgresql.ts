import { randomBytes } from "node:crypto";

import { messageOf, UserError } from "@mcp-fleet/errors";
import { Client } from "pg";

import type { Context, Handler, Outcome, Registration } from "./handler";
import { databaseSql, grantSql, revokeSql, roleSettingsSql, roleSql } from "./postgresql-sql";
import type { StoredResource } from "./state";
import { type JsonObject, revealObject, sameValue, stringAt, unknownValue } from "./wire";

const types = ["role:Role", "database:Database", "schema:Schema", "grant:Grant"];
const connectSeconds = 10;
const statementSeconds = 30;

/** `postgresql:*`: roles, databases, schemas and grants, by SQL in one transaction for each step but a database's. */
export class PostgresqlHandler implements Handler {
  constructor(private readonly context: Pick<Context, "preview" | "config" | "providerInputs">) {}

  handles(type: string): boolean {
    return types.some((known) => type === `postgresql:index/${known}`);
  }

  async apply(resource: Registration, old: StoredResource | undefined): Promise<Outcome> {
    const inputs = named(resource, old);
    if (old !== undefined && sameValue(old.inputs, resource.inputs)) {
      return { op: "same", id: old.id, outputs: old.outputs };
    }
    const op = old === undefined ? "create" : "update";
    if (this.context.preview) {
      return { op, ...(old === undefined ? {} : { id: old.id }), outputs: resource.inputs };
    }
    const plain = revealObject(inputs);
    const before = old === undefined ? undefined : revealObject(old.outputs);
    if (kindOf(resource.type) === "Database") {
      await this.connected(resource.provider, undefined, (db) =>
        db.query(databaseSql(db, plain, before)),
      );
      return { op, id: idOf(resource.type, plain), outputs: inputs };
    }
    await this.inTransaction(resource.provider, database(plain), async (db) => {
      switch (kindOf(resource.type)) {
        case "Role":
          return applyRole(db, plain, before);
        case "Schema":
          return applySchema(db, plain, before);
        default:
          if (before !== undefined) await db.query(revokeSql(db, before));
          await db.query(revokeSql(db, plain));
          await db.query(grantSql(db, plain));
      }
    });
    return { op, id: idOf(resource.type, plain), outputs: inputs };
  }

  async remove(old: StoredResource): Promise<void> {
    const plain = revealObject(old.outputs);
    const name = stringAt(plain, "name") ?? "";
    if (kindOf(old.type) === "Database") {
      await this.connected(old.provider, undefined, (db) =>
        // The provider ends what is still connected, too.
        db.query(`DROP DATABASE IF EXISTS ${db.escapeIdentifier(name)} WITH (FORCE)`),
      );
      return;
    }
    await this.inTransaction(old.provider, database(plain), async (db) => {
      switch (kindOf(old.type)) {
        case "Role": {
          if (plain.skipDropRole === true || !(await roleExists(db, name))) return;
          const role = db.escapeIdentifier(name);
          if (plain.skipReassignOwned !== true) {
            await db.query(`REASSIGN OWNED BY ${role} TO CURRENT_USER`);
            await db.query(`DROP OWNED BY ${role}`);
          }
          await db.query(`DROP ROLE ${role}`);
          return;
        }
        case "Schema": {
          const how = plain.dropCascade === true ? "CASCADE" : "RESTRICT";
          await db.query(`DROP SCHEMA IF EXISTS ${db.escapeIdentifier(name)} ${how}`);
          return;
        }
        default:
          if (await roleExists(db, stringAt(plain, "role") ?? "")) {
            await db.query(revokeSql(db, plain));
          }
      }
    });
  }

  private inTransaction(
    provider: string | undefined,
    databaseName: string | undefined,
    work: (db: Client) => Promise<void>,
  ): Promise<void> {
    return this.connected(provider, databaseName, async (db) => {
      await db.query("BEGIN");
      await work(db);
      await db.query("COMMIT");
    });
  }

  private async connected(
    provider: string | undefined,
    databaseName: string | undefined,
    work: (db: Client) => Promise<unknown>,
  ): Promise<void> {
    const settings = this.settings(provider);
    const db = new Client({
      ...settings,
      ...(databaseName === undefined ? {} : { database: databaseName }),
      connectionTimeoutMillis: connectSeconds * 1000,
      statement_timeout: statementSeconds * 1000,
      application_name: "mcp-fleet lab",
    });
    db.on("error", () => undefined);
    try {
      await db.connect();
    } catch (error) {
      throw new UserError(
        `PostgreSQL at ${settings.host}:${settings.port} cannot be reached: ${messageOf(error)}.`,
        "Start it, or correct host, port, username and password of the postgresql provider.",
      );
    }
    try {
      await work(db);
    } finally {
      await db.end();
    }
  }

  /** From the explicit provider, else from the `postgresql:*` config keys. */
  private settings(provider: string | undefined) {
    const explicit = this.context.providerInputs(provider);
    const text = (name: string): string | undefined => {
      const value = explicit?.[name] ?? this.context.config[`postgresql:${name}`]?.value;
      if (value === undefined || value === null || value === unknownValue) return undefined;
      // Provider inputs that are no text arrive as JSON text.
      return typeof value === "string" ? value.replace(/^"(.*)"$/, "$1") : JSON.stringify(value);
    };
    const mode = text("sslmode") ?? text("sslMode") ?? "require";
    const ssl = { rejectUnauthorized: mode.startsWith("verify") };
    return {
      host: text("host") ?? "localhost",
      port: Number(text("port") ?? 5432),
      user: text("username") ?? "postgres",
      password: text("password"),
      database: text("database") ?? "postgres",
      ssl: mode === "disable" ? (false as const) : ssl,
    };
  }
}

const kindOf = (type: string): string => type.split(":").at(-1) ?? "";
const database = (inputs: JsonObject): string | undefined => stringAt(inputs, "database");

/** The inputs with a name: roles and schemas without one get the resource's, with seven random hex digits. */
function named(resource: Registration, old: StoredResource | undefined): JsonObject {
  if (resource.type.endsWith(":Grant") || resource.inputs.name !== undefined) {
    return resource.inputs;
  }
  const kept = old === undefined ? undefined : revealObject(old.outputs).name;
  const name = kept ?? `${resource.name}-${randomBytes(4).toString("hex").slice(0, 7)}`;
  return { ...resource.inputs, name };
}

function idOf(type: string, inputs: JsonObject): string {
  const part = (key: string): string => stringAt(inputs, key) ?? "";
  if (["Role", "Database"].includes(kindOf(type))) return part("name");
  if (kindOf(type) === "Schema") return `${part("database")}.${part("name")}`;
  return [part("role"), part("database"), part("schema"), part("objectType")]
    .filter((text) => text !== "")
    .join("_");
}

async function roleExists(db: Client, name: string): Promise<boolean> {
  return (await db.query("SELECT FROM pg_roles WHERE rolname = $1", [name])).rowCount === 1;
}

async function applyRole(
  db: Client,
  inputs: JsonObject,
  before: JsonObject | undefined,
): Promise<void> {
  const name = stringAt(inputs, "name") ?? "";
  const oldName = stringAt(before, "name");
  if (oldName !== undefined && oldName !== name && (await roleExists(db, oldName))) {
    await db.query(
      `ALTER ROLE ${db.escapeIdentifier(oldName)} RENAME TO ${db.escapeIdentifier(name)}`,
    );
  }
  const verb = (await roleExists(db, name)) ? "ALTER" : "CREATE";
  await db.query(roleSql(db, verb, inputs));
  for (const statement of roleSettingsSql(db, inputs)) await db.query(statement);
  const memberships = (object: JsonObject | undefined): string[] =>
    Array.isArray(object?.roles) ? object.roles.map(String) : [];
  const wanted = memberships(inputs);
  for (const role of memberships(before).filter((item) => !wanted.includes(item))) {
    await db.query(`REVOKE ${db.escapeIdentifier(role)} FROM ${db.escapeIdentifier(name)}`);
  }
  for (const role of wanted) {
    await db.query(`GRANT ${db.escapeIdentifier(role)} TO ${db.escapeIdentifier(name)}`);
  }
}

async function applySchema(
  db: Client,
  inputs: JsonObject,
  before: JsonObject | undefined,
): Promise<void> {
  if (inputs.policies !== undefined) {
    throw new UserError(
      "The lab runner does not apply `policies` of a postgresql Schema.",
      "Use Grant resources instead, or the Pulumi CLI.",
    );
  }
  const name = stringAt(inputs, "name") ?? "";
  const oldName = stringAt(before, "name");
  if (oldName !== undefined && oldName !== name) {
    await db.query(
      `ALTER SCHEMA ${db.escapeIdentifier(oldName)} RENAME TO ${db.escapeIdentifier(name)}`,
    );
  }
  await db.query(`CREATE SCHEMA IF NOT EXISTS ${db.escapeIdentifier(name)}`);
  const owner = stringAt(inputs, "owner");
  if (owner !== undefined) {
    const [schema, role] = [db.escapeIdentifier(name), db.escapeIdentifier(owner)];
    await db.query(`ALTER SCHEMA ${schema} OWNER TO ${role}`);
  }
}
