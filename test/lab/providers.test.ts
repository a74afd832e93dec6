import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";

import { installPlugins, ownPlugins } from "../../lab/engine/providers/launchers";
import { paths } from "../../lab/paths";
import { PluginCli, type Project } from "../support/plugin-cli";
import { queryAt, stopTestServer, type TestDatabase, testDatabase } from "../support/postgres";

const quiet = ["--yes", "--skip-preview", "--suppress-progress"];

/**
 * The lab's own plugins under the real CLI: what the program creates with `@pulumi/random` and
 * `@pulumi/postgresql`.
 */
describe("the lab's own plugins under the Pulumi CLI", function () {
  this.timeout(90_000);
  let cli: PluginCli;

  before(async () => {
    cli = await PluginCli.open();
    installPlugins(cli.home);
  });
  after(async () => {
    cli?.remove();
    await stopTestServer();
  });

  describe("random", () => {
    let project: Project;
    const password = (args: string): string => `
      const random = require("@pulumi/random");
      exports.result = new random.RandomPassword("password", ${args}).result;`;
    const result = async (): Promise<string> => String((await project.outputs()).result);

    before(async () => {
      project = cli.project("passwords", password(`{ length: 20, special: false }`));
      await project.done(["stack", "init", "dev"]);
    });

    it("makes a password once, keeps it, and makes another one for another keeper", async () => {
      const listed = await project.done(["plugin", "ls"]);
      for (const { name, version } of ownPlugins) {
        assert.match(listed, new RegExp(`${name} +resource +${version}`));
      }
      const said = await project.up();
      assert.match(said, /The lab's own random plugin stands in for the real one/);
      assert.doesNotMatch(said, /warning/);
      const first = await result();
      assert.match(first, /^[A-Za-z0-9]{20}$/);
      assert.ok(!(await project.done(["stack", "export"])).includes(first));
      assert.match(await project.up(), /2 unchanged/);
      assert.equal(await result(), first);
      project.program(password(`{ length: 20, special: false, keepers: { version: "2" } }`));
      assert.match(await project.up(), /\+-1 replaced/);
      assert.notEqual(await result(), first);
    });

    it("imports one by its text, which stays a secret", async () => {
      const type = "random:index/randomPassword:RandomPassword";
      const text = "imported-by-its-text";
      const unprotected = ["--protect=false", "--generate-code=false"];
      await project.done(["import", type, "taken", text, ...unprotected, ...quiet]);
      const state = await project.done(["stack", "export", "--show-secrets"]);
      assert.ok(state.includes(JSON.stringify(JSON.stringify(text))), "it is in the state");
      const { deployment } = JSON.parse(await project.done(["stack", "export"])) as {
        deployment: {
          resources: { id?: string; outputs?: { result?: unknown; length?: number } }[];
        };
      };
      const imported = deployment.resources.find(({ outputs }) => outputs?.length === text.length);
      assert.equal(imported?.id, "none");
      assert.ok(imported.outputs !== undefined);
      assert.ok(!JSON.stringify(imported.outputs).includes(text));
    });

    it("refuses in two sentences what it does not know", async () => {
      project.program(password(`{ length: 2, minUpper: 3 }`));
      const short = await project.try(["preview", "--suppress-progress"]);
      assert.match(
        short.said,
        /at least the 3 characters that its minimums ask for\. Make it longer\./,
      );
      project.program(`const random = require("@pulumi/random"); new random.RandomPet("pet");`);
      const pet = await project.try(["preview", "--suppress-progress"]);
      assert.notEqual(pet.exitCode, 0);
      assert.match(
        pet.said,
        /random plugin makes no random:index\/randomPet:RandomPet[^]*Install the official one/,
      );
      assert.doesNotMatch(pet.said, /\.js:\d+/);
    });

    it("deletes", async () => {
      assert.match(await project.done(["destroy", ...quiet]), /- 3 deleted/);
    });
  });

  describe("postgresql", () => {
    const suffix = randomBytes(3).toString("hex");
    const [admin, owner, role, taken] = ["admin", "owner", "role", "taken"].map(
      (name) => `${name}_${suffix}`,
    ) as [string, string, string, string];
    const adminPassword = `of-the-admin-${suffix}`;
    const registry = (name: string): string => `registry_${name}_${suffix}`;
    let server: TestDatabase;
    let project: Project;

    /** The program's own component, a registry's database, and existing objects. */
    const program = ({ table = "items", database = "one", more = "" } = {}): string => `
      const pulumi = require("@pulumi/pulumi");
      const postgresql = require("@pulumi/postgresql");
      const { CutoverDatabase } = require(${JSON.stringify(join(paths.projectDir, "dist", "components", "database"))});
      const adminUrl = new pulumi.Config().requireSecret("adminUrl");
      const cutover = new CutoverDatabase("cutover", {
        adminUrl, tls: "disable", role: "${role}", memberOf: "${owner}",
        tables: [{ schema: "public", table: "${table}" }],
        sequences: [{ schema: "public", sequence: "numbers" }],
      });
      const provider = cutover.admin.provider;
      const database = new postgresql.Database("registry", { name: "${registry(database)}" }, { provider });
      new postgresql.Grant("nobody", {
        database: database.name, objectType: "database", role: "public", privileges: [],
      }, { provider });
      ${more}
      exports.url = cutover.databaseUrl;
      exports.database = database.name;`;

    const url = async (): Promise<string> => String((await project.outputs()).url);
    const asRole = (dsn: string, sql: string) => queryAt(dsn, sql);

    before(async () => {
      server = await testDatabase();
      for (const sql of [
        `create role ${owner}`,
        `create role ${admin} login createrole createdb password '${adminPassword}'`,
        `grant ${owner} to ${admin} with admin option`,
        `grant create on database ${server.name} to ${admin}`,
        `create table items (id int); create table others (id int); create sequence numbers`,
        `alter table items owner to ${owner}; alter table others owner to ${owner}`,
        `alter sequence numbers owner to ${owner}`,
        `insert into items values (7)`,
      ]) {
        await server.query(sql);
      }
      project = cli.project("rows", program());
      await project.done(["stack", "init", "dev"]);
      const dsn = server.urlFor(admin, adminPassword);
      await project.done(["config", "set", "--secret", "adminUrl"], dsn);
    });
    after(async () => {
      for (const name of ["one", "two"]) {
        await server.query(`drop database if exists ${registry(name)} with (force)`);
      }
      await server.drop();
      for (const name of [role, taken, admin, owner]) {
        await queryAt(server.url.replace(server.name, "postgres"), `drop role if exists ${name}`);
      }
    });

    /** Fails if the state contains a password, or any of the given texts, in plain text. */
    async function stateHas(...hidden: string[]): Promise<void> {
      const state = await project.done(["stack", "export"]);
      for (const text of [adminPassword, ...hidden]) assert.ok(!state.includes(text));
    }

    it("makes role, schema, grants, membership and database; nothing to do the second time", async () => {
      const preview = await project.done(["preview", "--suppress-progress"]);
      assert.match(preview, new RegExp(`database: "${registry("one")}"`));
      const said = await project.up();
      assert.match(said, /The lab's own postgresql plugin stands in for the real one/);
      assert.doesNotMatch(said, /warning/);
      const dsn = await url();
      assert.deepEqual(await asRole(dsn, "update items set id = id returning id"), [{ id: 7 }]);
      assert.deepEqual(await asRole(dsn, "select nextval('numbers')::int as n"), [{ n: 1 }]);
      assert.deepEqual(
        await asRole(
          dsn,
          "select nspowner::regrole::text as owner from pg_namespace where nspname = 'mcp_cutover'",
        ),
        [{ owner: role }],
      );
      assert.deepEqual(
        await asRole(dsn, `select pg_has_role('${role}', '${owner}', 'member') as member`),
        [{ member: true }],
      );
      await asRole(dsn, "create table mcp_cutover.journal (id int)");
      await stateHas(new URL(dsn).password);
      assert.match(await project.up(), /\d+ unchanged/);
      assert.doesNotMatch(await project.up(), /created|updated|replaced/);
    });

    it("another password is an update of the role, and the old one is of no use", async () => {
      const before = await url();
      const password = "**RandomPassword::cutover-password";
      const said = await project.done(["up", "--replace", password, ...quiet]);
      assert.match(said, /~ 1 updated/);
      assert.match(said, /\+-1 replaced/);
      const after = await url();
      await assert.rejects(asRole(before, "select 1"), /password authentication failed/);
      assert.deepEqual(await asRole(after, "select id from items"), [{ id: 7 }]);
      await stateHas(new URL(before).password, new URL(after).password);
    });

    it("a refresh sees what was changed by hand, and the next update puts it right", async () => {
      assert.doesNotMatch(await project.done(["refresh", ...quiet]), /updated|deleted/);
      await server.query(`revoke update on items from ${role}`);
      await server.query(`alter role ${role} nologin`);
      await server.query(`revoke ${owner} from ${role} granted by ${admin}`);
      const refreshed = await project.done(["refresh", ...quiet]);
      assert.match(refreshed, /~ 2 updated/);
      assert.match(refreshed, /- 1 deleted/);
      const said = await project.up();
      assert.match(said, /~ 2 updated/);
      assert.match(said, /\+ 1 created/);
      assert.deepEqual(await asRole(await url(), "update items set id = 8 returning id"), [
        { id: 8 },
      ]);
      await stateHas();
    });

    it("another table is another grant, another name the same database", async () => {
      const { oid } = (
        await server.query<{ oid: number }>(
          `select oid from pg_database where datname = '${registry("one")}'`,
        )
      )[0] ?? { oid: 0 };
      project.program(program({ table: "others", database: "two" }));
      await project.up();
      const dsn = await url();
      assert.deepEqual(await asRole(dsn, "select id from others"), []);
      assert.deepEqual(
        await asRole(dsn, `select has_table_privilege('items', 'trigger') as may`),
        [{ may: true }],
        "as a member of the owner",
      );
      assert.deepEqual(
        await server.query(`select oid from pg_database where datname = '${registry("two")}'`),
        [{ oid }],
      );
      assert.deepEqual(await server.query(grantees("items", role)), []);
    });

    it("imports a role and a schema by their ids", async () => {
      const asAdmin = server.urlFor(admin, adminPassword);
      await queryAt(asAdmin, `create role ${taken} login connection limit 3 password 'by-hand'`);
      await queryAt(asAdmin, `create schema taken`);
      const more = `
        new postgresql.Role("taken", { name: "${taken}", login: true, connectionLimit: 3 }, { provider, import: "${taken}" });
        new postgresql.Schema("taken", { name: "taken", database: "${server.name}" }, { provider, import: "${server.name}.taken" });`;
      project.program(program({ table: "others", database: "two", more }));
      assert.match(await project.up(), /= 2 imported/);
      await server.query(`alter role ${taken} connection limit 5`);
      assert.match(await project.done(["refresh", ...quiet]), /~ 1 updated/);
      assert.match(await project.up(), /~ 1 updated/);
      assert.deepEqual(
        await server.query(`select rolconnlimit from pg_roles where rolname = '${taken}'`),
        [{ rolconnlimit: 3 }],
      );
    });

    it("says in two sentences what PostgreSQL refuses, without a password", async () => {
      const more = `new postgresql.Role("again", { name: "${role}", password: pulumi.secret("never-told-${suffix}") }, { provider });`;
      project.program(program({ table: "others", database: "two", more }));
      const { exitCode, said } = await project.try(["up", ...quiet]);
      assert.notEqual(exitCode, 0);
      assert.match(
        said,
        new RegExp(`PostgreSQL says: role "${role}" already exists \\(SQLSTATE 42710\\)\\.`),
      );
      assert.match(said, /Correct that in the program or in the database/);
      assert.doesNotMatch(said, new RegExp(`never-told|${adminPassword}|SCRAM|\\.js:\\d+`));
    });

    it("deletes what it made: the role too, whose schema stays with the journal", async () => {
      await project.done(["destroy", ...quiet]);
      assert.deepEqual(
        await server.query(`select rolname from pg_roles where rolname in ('${role}', '${taken}')`),
        [],
      );
      assert.deepEqual(
        await server.query(
          "select nspowner::regrole::text as owner from pg_namespace where nspname = 'mcp_cutover'",
        ),
        [{ owner: admin }],
      );
      assert.deepEqual(await server.query("select count(*)::int as n from mcp_cutover.journal"), [
        { n: 0 },
      ]);
      assert.deepEqual(
        await server.query(`select 1 from pg_database where datname = '${registry("two")}'`),
        [],
      );
    });
  });
});

/** Roles with privileges on a table, including this one. */
function grantees(table: string, role: string): string {
  return `select grantee from information_schema.role_table_grants where table_name = '${table}' and grantee = '${role}'`;
}
