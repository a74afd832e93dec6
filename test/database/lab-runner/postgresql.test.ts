import assert from "node:assert/strict";

import type { Registration } from "../../../lab/runner/handler";
import type { PostgresqlHandler } from "../../../lab/runner/postgresql";
import type { StoredResource } from "../../../lab/runner/state";
import { type JsonObject, secret } from "../../../lab/runner/wire";
import { queryAt, stopTestServer, type TestDatabase, testDatabase } from "../../support/postgres";
import { postgresqlHandler } from "../../support/postgresql-handler";

describe("lab runner: roles, schemas and grants", function () {
  this.timeout(120_000);
  let db: TestDatabase;
  let handler: PostgresqlHandler;
  const role = `worker_${process.pid}`;

  before(async () => {
    db = await testDatabase();
    await db.query("create table public.items (id int); insert into public.items values (7)");
    handler = postgresqlHandler(db.url);
  });

  after(async () => {
    await db.drop();
    await stopTestServer();
  });

  const register = (type: string, name: string, inputs: JsonObject): Registration => ({
    urn: `urn::${name}`,
    type: `postgresql:index/${type}`,
    name,
    inputs,
    provider: "urn::provider",
    dependencies: [],
    secretOutputs: [],
  });
  const apply = async (
    resource: Registration,
    old?: StoredResource,
  ): Promise<StoredResource & { op: string }> => {
    const outcome = await handler.apply(resource, old);
    const { urn, type, name, inputs } = resource;
    return {
      ...{ urn, type, name, inputs, custom: true, dependencies: [], order: 1 },
      provider: "urn::provider",
      id: outcome.id ?? "",
      outputs: outcome.outputs,
      op: outcome.op,
    };
  };
  const asRole = (password: string, sql: string): Promise<unknown[]> =>
    queryAt(db.urlFor(role, password), sql);

  it("makes them, changes only what changed, and removes them", async () => {
    const inputs = (password: string): JsonObject => ({
      name: role,
      login: true,
      password: secret(password),
      statementTimeout: 5000,
    });
    const first = await apply(register("role:Role", "role", inputs("it's \\ secret")));
    assert.deepEqual([first.op, first.id], ["create", role]);
    assert.equal((await apply(register("role:Role", "role", first.inputs), first)).op, "same");
    const made = await apply(register("role:Role", "role", inputs("new one")), first);
    assert.equal(made.op, "update");
    await assert.rejects(asRole("it's \\ secret", "select 1"), /password authentication failed/);
    assert.deepEqual(await asRole("new one", "show statement_timeout"), [
      { statement_timeout: "5s" },
    ]);

    const schema = await apply(
      register("schema:Schema", "own", { name: "own", owner: role, database: db.name }),
    );
    await asRole("new one", "create table own.notes (id int)");
    const grantInputs = (...privileges: string[]): JsonObject => ({
      role,
      database: db.name,
      schema: "public",
      objectType: "table",
      objects: ["items"],
      privileges,
    });
    const grant = await apply(register("grant:Grant", "grant", grantInputs("SELECT", "UPDATE")));
    assert.deepEqual(await asRole("new one", "update items set id = 8 returning id"), [{ id: 8 }]);
    const less = await apply(register("grant:Grant", "grant", grantInputs("SELECT")), grant);
    await assert.rejects(asRole("new one", "update items set id = 9"), /permission denied/);
    assert.deepEqual(await asRole("new one", "select id from items"), [{ id: 8 }]);

    await handler.remove(less);
    await assert.rejects(asRole("new one", "select id from items"), /permission denied/);
    await assert.rejects(handler.remove(schema), /depend on it/);
    await handler.remove({ ...schema, outputs: { ...schema.outputs, dropCascade: true } });
    await handler.remove(made);
    await handler.remove(made);
    assert.deepEqual(await db.query(`select from pg_roles where rolname = '${role}'`), []);
  });

  it("refuses what it would not do as the provider does", async () => {
    const odd = { role, database: db.name, objectType: "foreign_server", privileges: ["USAGE"] };
    await assert.rejects(
      apply(register("grant:Grant", "odd", odd)),
      /object type "foreign_server"/,
    );
    const injected = { ...odd, objectType: "schema", privileges: ["ALL; DROP TABLE items"] };
    await db.query(`create role ${role}`);
    await assert.rejects(apply(register("grant:Grant", "bad", injected)), /is not a privilege/);
    await db.query(`drop role ${role}`);
  });
});
