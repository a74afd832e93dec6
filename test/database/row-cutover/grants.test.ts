import assert from "node:assert/strict";

import {
  type CutoverSpec,
  type Db,
  drift,
  grantScript,
  planRows,
  readEndpoints,
  readGrants,
  readRuns,
  runCutover,
  settle,
} from "@mcp-fleet/row-cutover";
import pg from "pg";

import { onEachPostgres } from "../../support/postgres";
import { meta, rowSpec, type StudioDatabase, studioDatabase, studioSpec } from "./support";

const password = "rc-password";

/** Inserts a row, merges two, and moves their references: a run that needs every right. */
const spec: CutoverSpec = studioSpec({
  rows: studioSpec().rows.map((row) =>
    row.key === "llmctl-mcp"
      ? rowSpec("llmctl-mcp", { seed: { values: { name: "LLMCTL MCP", created_at: "now" } } })
      : row,
  ),
});

onEachPostgres("the grants that are printed", (server) => {
  let database: StudioDatabase;
  /** Names that need quotes, and one with a line break that would end a comment. */
  let role: string;
  let checkRole: string;
  let run: Db;
  let check: Db;

  beforeEach(async () => {
    database = await studioDatabase({ schema: "jsonb", atlassianKey: "both" }, server());
    role = `${database.name} "run"\nselect`;
    checkRole = `${database.name} Check`;
    run = { connectionString: database.urlFor(role, password) };
    check = { connectionString: database.urlFor(checkRole, password) };
    await database.query(`
      delete from agent_task_mcp_servers where mcp_server_id = (select id from mcp_servers where server_key = 'llmctl-mcp');
      delete from mcp_servers where server_key = 'llmctl-mcp';
      create schema "Odd Schema";
      create table "Odd Schema"."Odd Table" (id int primary key, server int references mcp_servers(id));
      insert into "Odd Schema"."Odd Table" select 1, id from mcp_servers where server_key = 'jira';
      revoke all on database ${database.name} from public;
      revoke all on schema public from public`);
  });
  afterEach(async () => {
    const names = [role, checkRole].map((name) => pg.escapeIdentifier(name));
    for (const name of names)
      await database.query(`do $$ begin
        if exists (select from pg_roles where rolname = ${pg.escapeLiteral(name.slice(1, -1).replaceAll('""', '"'))}) then
          drop owned by ${name} cascade; drop role ${name};
        end if; end $$`);
    await database.drop();
  });

  /** Runs the printed script, and gives new roles their passwords. */
  async function grant(): Promise<readonly string[]> {
    const superuser = { connectionString: database.url };
    const grants = await readGrants(superuser, spec, { role, checkRole });
    await database.query(grantScript(grants));
    for (const name of [role, checkRole])
      await database.query(
        `alter role ${pg.escapeIdentifier(name)} password ${pg.escapeLiteral(password)}`,
      );
    const [cutover, checks] = grants.roles;
    assert.ok(cutover !== undefined && checks !== undefined);
    return (cutover.purpose === "cutover" ? cutover : checks).statements.map(({ sql }) => sql);
  }

  /** The previews of both targets, and an update that writes no row. */
  const plans = [
    () => planRows(run, spec, "embedded"),
    () => planRows(run, spec, "in-cluster"),
    () => runCutover(run, spec, "embedded", meta),
  ];

  it("are all that a run, its way back and a comparison need", async () => {
    await grant();
    const before = await database.snapshot();
    assert.deepEqual((await planRows(run, spec, "embedded")).warnings, []);
    const done = await runCutover(run, spec, "in-cluster", meta);
    const { merge, seed, rewrite } = done.counts;
    assert.deepEqual([merge, seed, rewrite], [1, 1, 4]);
    await grant();
    assert.equal((await drift(check, spec))?.fenceStands, true);
    assert.equal((await readEndpoints(check, spec)).length, 5);
    assert.equal((await readRuns(check, spec)).length, 1);
    await settle(run, spec, 1);
    const undone = await runCutover(run, spec, "embedded", meta);
    assert.equal(undone.counts.remove, 1);
    await settle(run, spec, 2);
    assert.deepEqual(await database.snapshot(), before);
    assert.deepEqual((await drift(check, spec))?.rows, []);
  });

  it("are asked for one by one: without any one of them, plan and preview name it and give it back", async () => {
    const statements = await grant();
    let taken = 0;
    for (const statement of statements) {
      const found = /^grant (.*) on (.*) to ("(?:[^"]|"")*");$/s.exec(statement);
      if (found === null) {
        assert.match(statement, /^create schema if not exists mcp_cutover authorization "/);
        await database.query("drop schema mcp_cutover");
        await refused(/may not create the schema mcp_cutover/, statement);
        taken += 1;
        continue;
      }
      const [, privileges = "", on = "", to = ""] = found;
      for (const privilege of privileges.split(", ")) {
        await database.query(`revoke ${privilege} on ${on} from ${to}`);
        const mend = `grant ${privilege} on ${on} to ${to};`;
        if (privilege === "trigger") await warned(mend);
        else
          await refused(
            new RegExp(`no ${privilege.toUpperCase()} privilege on|may not connect`),
            mend,
          );
        taken += 1;
      }
    }
    // Connect, two schemas, five on the rows, four on each of five tables, two on the settings, a sequence, the ledger.
    assert.equal(taken, 1 + 2 + 5 + 5 * 4 + 2 + 1 + 1);
    assert.equal((await runCutover(run, spec, "in-cluster", meta)).counts.merge, 1);
  });

  it("without any of them, all are named at once, at embedded too", async () => {
    await grant();
    const name = pg.escapeIdentifier(role);
    await database.query(
      `drop owned by ${name} cascade; grant connect on database ${database.name} to ${name}`,
    );
    for (const plan of plans) {
      const message = await said(plan);
      assert.match(
        message,
        /has no SELECT and no INSERT and no UPDATE and no DELETE privilege on public\.mcp_servers \[cutover\.table, row\.aliases\]/,
      );
      const mend = message.split("prints everything that the stack needs): ")[1] ?? "";
      await database.query(`begin; ${mend} rollback`);
      assert.match(mend, /grant usage on sequence public\.mcp_servers_id_seq/);
      assert.match(mend, /grant select, insert, update, delete on "Odd Schema"\."Odd Table"/);
    }
  });

  it("of a comparison are asked for one by one too", async () => {
    await grant();
    await runCutover(run, spec, "in-cluster", meta);
    await grant();
    const name = pg.escapeIdentifier(checkRole);
    const rights: readonly [string, RegExp][] = [
      ["usage on schema public", /no USAGE privilege on schema public/],
      ["select (server_key) on mcp_servers", /may not read server_key of public\.mcp_servers/],
      ["select (config_json) on mcp_servers", /may not read config_json of public\.mcp_servers/],
      ["usage on schema mcp_cutover", /may not use the ledger/],
      ["select on mcp_cutover.run", /may not use the ledger/],
      ["select on mcp_cutover.fenced_write", /may not use the ledger/],
      ["select on mcp_cutover.newest_row", /may not use the ledger/],
    ];
    for (const [right, message] of rights) {
      await database.query(`revoke ${right} from ${name}`);
      const text = await said(() => drift(check, spec));
      assert.match(text, message);
      const mend = /grant .*;/s.exec(text)?.[0] ?? "";
      await database.query(mend);
      assert.deepEqual((await drift(check, spec))?.rows, [], mend);
    }
  });

  it("a table that is not there yet asks for nothing, and the plan says so", async () => {
    await grant();
    const later = { ...spec, table: { ...spec.table, table: "later" } };
    const plan = await planRows(run, later, "embedded");
    assert.match(plan.warnings.join(), /public\.later does not exist yet/);
    await assert.rejects(readGrants(run, later), /nothing to grant on/);
  });

  it("a superuser is told to name a role", async () => {
    await assert.rejects(
      readGrants({ connectionString: database.url }, spec),
      /is a superuser, which needs no grants[^]*--role/,
    );
  });

  async function refused(message: RegExp, mend: string): Promise<void> {
    for (const plan of plans) {
      const text = await said(plan);
      assert.match(text, message);
      assert.ok(text.includes("[databaseUrl]"), text);
      // The name known to a rejected login contains quotes.
      const given = text.replaceAll(`"${database.name}"`, database.name);
      assert.ok(given.includes(mend), `${text}\nlacks ${mend}`);
    }
    await database.query(mend);
    for (const plan of plans) await plan();
  }

  async function warned(mend: string): Promise<void> {
    for (const plan of plans) assert.ok((await plan()).warnings.join().includes(mend), mend);
    await database.query(mend);
    for (const plan of plans) assert.doesNotMatch((await plan()).warnings.join(), /triggers on/);
  }
});

async function said(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
  } catch (error) {
    assert.equal((error as Error).name, "UserError");
    return (error as Error).message;
  }
  return assert.fail("it was not refused");
}
