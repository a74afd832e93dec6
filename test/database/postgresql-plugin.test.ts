import assert from "node:assert/strict";

import type { Found, ResourceType } from "../../lab/engine/providers/resource-type";
import { differences } from "../../lab/engine/providers/resource-type";
import type { JsonObject } from "../../lab/engine/providers/values";
import { queryAt, stopTestServer, type TestDatabase, testDatabase } from "../support/postgres";
import { postgresqlPlugin } from "../support/postgresql-plugin";

/** Also what the program does not use of these types; without an engine. */
describe("the lab's own postgresql plugin: roles, schemas and grants", function () {
  this.timeout(120_000);
  const role = `worker_${process.pid}`;
  let db: TestDatabase;
  let types: Readonly<Record<string, ResourceType>>;

  before(async () => {
    db = await testDatabase();
    await db.query("create table public.items (id int); insert into public.items values (7)");
    types = postgresqlPlugin(db.url);
  });
  after(async () => {
    await db.drop();
    await stopTestServer();
  });

  const type = (name: string): ResourceType => {
    const found = types[name];
    assert.ok(found !== undefined);
    return found;
  };
  const update = async (name: string, old: Found, inputs: JsonObject): Promise<Found> => {
    const state = await type(name).update?.(old, inputs);
    assert.ok(state !== undefined);
    return { id: old.id, state };
  };
  const asRole = (password: string, sql: string): Promise<unknown[]> =>
    queryAt(db.urlFor(role, password), sql);

  it("a role: every attribute, changed one by one, read back as it was made", async () => {
    const inputs = (password: string, more: JsonObject = {}): JsonObject => ({
      ...{
        name: role,
        login: true,
        password,
        statementTimeout: 5000,
        searchPaths: ['a b, "c"', "public"],
      },
      ...{ connectionLimit: 4, createDatabase: true, roles: ["pg_monitor"] },
      ...more,
    });
    const first = await type("Role").create(inputs("it's \\ secret"));
    assert.deepEqual(await type("Role").read(role, first.state), first);
    assert.deepEqual(differences(type("Role"), first.state, inputs("it's \\ secret")).changed, []);
    assert.deepEqual(await asRole("it's \\ secret", "show statement_timeout"), [
      { statement_timeout: "5s" },
    ]);
    assert.deepEqual(await asRole("it's \\ secret", "show search_path"), [
      { search_path: '"a b, ""c""", public' },
    ]);
    const other = inputs("new one", { createDatabase: false, roles: [], searchPaths: [] });
    const changed = differences(type("Role"), first.state, other);
    assert.deepEqual(changed, {
      changed: ["password", "createDatabase", "roles", "searchPaths"],
      replaces: [],
    });
    const second = await update("Role", first, other);
    await assert.rejects(asRole("it's \\ secret", "select 1"), /password authentication failed/);
    const facts = `select rolcreatedb, pg_has_role(oid, 'pg_monitor', 'member') as member from pg_roles where rolname = current_user`;
    assert.deepEqual(await asRole("new one", facts), [{ rolcreatedb: false, member: false }]);
    const { password: _password, ...without } = inputs("");
    await update("Role", second, without);
    await assert.rejects(asRole("new one", "select 1"), /password authentication failed/);
    await type("Role").remove(second);
  });

  it("a schema keeps what is in it unless dropCascade says otherwise; a grant is changed in place", async () => {
    const worker = await type("Role").create({ name: role, login: true, password: "pass" });
    const schemaInputs = { name: "own", owner: role, database: db.name };
    const schema = await type("Schema").create(schemaInputs);
    assert.equal(schema.id, `${db.name}.own`);
    await asRole("pass", "create table own.notes (id int)");
    const inputs = (...privileges: string[]): JsonObject => ({
      ...{ role, database: db.name, schema: "public", objectType: "table", objects: ["items"] },
      privileges,
    });
    const grant = await type("Grant").create(inputs("SELECT", "UPDATE"));
    assert.equal(grant.id, `${role}_${db.name}_public_table_items`);
    assert.deepEqual(await type("Grant").read(grant.id, grant.state), grant);
    const less = await update("Grant", grant, inputs("SELECT"));
    await assert.rejects(asRole("pass", "update items set id = 9"), /permission denied/);
    assert.deepEqual(await asRole("pass", "select id from items"), [{ id: 7 }]);
    await type("Grant").remove(less);
    await assert.rejects(asRole("pass", "select id from items"), /permission denied/);
    await assert.rejects(type("Schema").remove(schema), /depend on it/);
    await type("Schema").remove({ ...schema, state: { ...schema.state, dropCascade: true } });
    assert.equal(await type("Schema").read(schema.id, undefined), undefined);
    await type("Role").remove(worker);
    for (const [name, gone] of Object.entries({ Role: worker, Grant: less, Schema: schema })) {
      await type(name).remove(gone);
      assert.equal(await type(name).read(gone.id, gone.state), undefined, name);
    }
  });

  it("a grant goes with what is left of its objects", async () => {
    const worker = await type("Role").create({ name: role, login: true, password: "pass" });
    await db.query("create table public.kept (id int); create table public.lost (id int)");
    await db.query("create schema gone; create table gone.lost (id int)");
    const grant = (schema: string, objects: string[]): Promise<Found> =>
      type("Grant").create({
        ...{ role, database: db.name, schema, objectType: "table", objects },
        privileges: ["SELECT"],
      });
    const grants = [await grant("public", ["kept", "lost"]), await grant("gone", ["lost"])];
    await db.query("drop table public.lost; drop schema gone cascade");
    for (const one of grants) await type("Grant").remove(one);
    await assert.rejects(asRole("pass", "select from kept"), /permission denied/);
    await type("Role").remove(worker);
  });

  it("a password is kept as the server itself would keep it", async () => {
    await type("Role").create({ name: role, login: true, password: "never-sent" });
    const [kept] = await db.query<{ rolpassword: string }>(
      `select rolpassword from pg_authid where rolname = '${role}'`,
    );
    assert.match(kept?.rolpassword ?? "", /^SCRAM-SHA-256\$4096:/);
    assert.deepEqual(await asRole("never-sent", "select 1 as one"), [{ one: 1 }]);
    await type("Role").remove({ id: role, state: { name: role } });
  });

  it("refuses what it would not do as the real plugin does", () => {
    const odd = { role, database: db.name, objectType: "foreign_server", privileges: ["USAGE"] };
    const reasons = (inputs: JsonObject): string[] =>
      (type("Grant").refuse?.(inputs) ?? []).map(({ reason }) => reason);
    assert.match(reasons(odd).join(), /object type "foreign_server"/);
    const injected = { ...odd, objectType: "schema", privileges: ["ALL; DROP TABLE items"] };
    assert.match(reasons({ ...injected, schema: "public" }).join(), /is not a privilege/);
    assert.match(reasons({ ...odd, objectType: "table" }).join(), /is in a schema/);
  });
});
