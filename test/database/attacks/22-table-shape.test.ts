import assert from "node:assert/strict";

import {
  type CutoverSpec,
  drift,
  planRows,
  readEndpoints,
  runCutover,
  settle,
  type TableSpec,
} from "@mcp-fleet/row-cutover";

import { onEachPostgres } from "../../support/postgres";
import {
  type AttackedDatabase,
  attackedDatabase,
  cutoverRole,
  meta,
  refusal,
  rowSpec,
  studioSpec,
  targetOf,
} from "./support";

onEachPostgres("tables of other shapes (issue 16, item 22)", (server) => {
  let database: AttackedDatabase;
  beforeEach(async () => {
    database = await attackedDatabase(server());
  });
  afterEach(() => database.drop());

  const keys = ["github", "chroma"];

  async function make(columns: string, values: string): Promise<void> {
    await database.as(
      database.applicationUrl,
      `create table servers (${columns}); insert into servers values ${values}; grant all on servers to ${cutoverRole}`,
    );
  }

  const specOf = (table: Partial<TableSpec>, more: Partial<CutoverSpec> = {}): CutoverSpec => ({
    ...studioSpec(),
    table: { schema: "public", table: "servers", key: ["k"], config: "doc", ...table },
    rows: keys.map((key) => rowSpec(key, { secretKeys: [], aliases: [] })),
    softReferences: [],
    ...more,
  });

  async function rows(): Promise<string[]> {
    const found = await database.query<{ row: string }>(
      "select t::text as row from servers t order by 1",
    );
    return found.map(({ row }) => row);
  }

  async function roundTrip(spec: CutoverSpec, rewritten: number): Promise<void> {
    const before = await rows();
    assert.equal(
      (await runCutover(database.db, spec, "in-cluster", meta)).counts.rewrite,
      rewritten,
    );
    assert.equal((await planRows(database.db, spec, "in-cluster")).noop, true);
    assert.deepEqual((await drift(database.db, spec))?.rows, []);
    await database.as(
      database.applicationUrl,
      `update servers set doc = '{"command": "old"}' where k = 'github'`,
    );
    assert.ok((await settle(database.db, spec, 1)).fencedWrites >= 1);
    assert.deepEqual((await drift(database.db, spec))?.rows, []);
    await runCutover(database.db, spec, "embedded", meta);
    await settle(database.db, spec, 2);
    assert.deepEqual(await rows(), before);
  }

  it("without type, id and time", async () => {
    await make(
      "k text primary key, doc jsonb",
      `('github', '{"command": "x"}'), ('chroma', '{"command": "y"}')`,
    );
    await roundTrip(specOf({}), 2);
  });

  for (const [unit, type, factor] of [
    ["seconds", "integer", 1],
    ["milliseconds", "bigint", 1000],
    ["milliseconds", "numeric", 1000],
  ] as const) {
    it(`with a time in ${unit}, ${type}`, async () => {
      await make(
        `k text primary key, doc jsonb, at ${type}`,
        `('github', '{"command": "x"}', 1000), ('chroma', '{"command": "y"}', 1001)`,
      );
      assert.match(
        await refusal(planRows(database.db, specOf({ updatedAt: "at" }), "in-cluster")),
        /nothing says whether it counts seconds or milliseconds.*\n.*unit: seconds/,
      );
      const spec = specOf({ updatedAt: "at", updatedAtUnit: unit });
      const seeding = { ...spec, rows: [...spec.rows, rowSpec("made", { seed: { values: {} } })] };
      const before = await rows();
      const started = Date.now();
      await runCutover(database.db, seeding, "in-cluster", meta);
      const found = await database.query<{ at: string }>("select at::text as at from servers");
      assert.equal(found.length, 3);
      for (const { at } of found)
        assert.ok(Math.abs((Number(at) / factor) * 1000 - started) < 60_000, at);
      await settle(database.db, seeding, 1);
      await runCutover(database.db, seeding, "embedded", meta);
      assert.deepEqual(await rows(), before);
    });
  }

  it("with rows that are only marked as deleted, which may share a key", async () => {
    await make(
      "id serial primary key, k text not null, doc jsonb, kind text, deleted_at timestamptz, active boolean",
      `(1, 'github', '{"command": "old"}', 'own', '2020-01-01', true), (2, 'github', '{"command": "x"}', 'own', null, true),
       (3, 'chroma', '{"command": "y"}', 'own', null, true), (4, 'gone', '{"command": "z"}', 'own', now(), true),
       (5, 'chroma', '{"command": "w"}', 'own', null, false)`,
    );
    await database.as(
      database.applicationUrl,
      "create unique index on servers (k) where deleted_at is null and active",
    );
    const table: Partial<TableSpec> = { id: "id", type: { column: "kind", value: "own" } };
    assert.match(
      await refusal(planRows(database.db, specOf(table), "in-cluster")),
      /have no unique key/,
    );
    const where: TableSpec["where"] = [
      { column: "deleted_at", operator: "is null" },
      { column: "active", operator: "=", value: "true" },
    ];
    const spec = specOf({ ...table, where });
    const plan = await planRows(database.db, spec, "in-cluster");
    assert.deepEqual(
      plan.changes.map(({ key }) => key),
      keys,
    );
    assert.equal((await readEndpoints(database.db, spec)).length, 2);
    await roundTrip(spec, 2);
    await runCutover(database.db, { ...spec, fence: false }, "in-cluster", meta);
    const left = await database.query<{ id: number; doc: unknown }>(
      "select id, doc from servers where id in (1, 2, 4, 5) order by id",
    );
    assert.deepEqual(
      left.map(({ doc }) => doc),
      [{ command: "old" }, targetOf("github"), { command: "z" }, { command: "w" }],
    );
  });

  it("and of many rows of a server", async () => {
    await make(
      "tenant integer, k text not null, doc text, deleted boolean not null, primary key (tenant, k, deleted)",
      `(1, 'github', '{"command": "x"}', false), (1, 'github', 'command = "old"', true), (2, 'github', 'command = "x"', false),
       (2, 'chroma', '{"command": "y"}', false), (3, 'chroma', '{"command": "y"}', true)`,
    );
    await roundTrip(
      specOf({
        key: ["tenant", "k"],
        match: "k",
        where: [{ column: "deleted", operator: "<>", value: "true" }],
      }),
      3,
    );
  });

  it("a condition's column is not set", async () => {
    await make("k text primary key, doc jsonb, gone text", `('github', '{}', null)`);
    const spec = specOf({ where: [{ column: "gone", operator: "is null" }] });
    const setting = { ...spec, rows: spec.rows.map((row) => ({ ...row, set: { gone: "x" } })) };
    assert.match(
      await refusal(planRows(database.db, setting, "in-cluster")),
      /sets the column gone, which is a condition on the rows/,
    );
  });

  it("a table that others inherit from is refused, since a fence does not hold their rows", async () => {
    await make("k text primary key, doc jsonb", `('github', '{"command": "x"}')`);
    await database.as(
      database.applicationUrl,
      `create table heirs () inherits (servers); insert into heirs values ('chroma', '{"command": "y"}')`,
    );
    for (const call of [planRows, runCutover]) {
      const said = await refusal(call(database.db, specOf({}), "in-cluster", meta));
      assert.match(said, /Tables inherit from public\.servers \(public\.heirs\)/);
    }
    const fix = /alter table [^;]*;/.exec(
      await refusal(planRows(database.db, specOf({}), "in-cluster")),
    );
    await database.as(database.applicationUrl, fix?.[0] ?? "");
    await roundTrip(specOf({}), 1);
  });

  it("and so is one with a partition on another server", async () => {
    await database.query(
      `create foreign data wrapper nowhere; create server elsewhere foreign data wrapper nowhere;
       create table servers (k text, doc jsonb) partition by list (k);
       create foreign table far partition of servers for values in ('github') server elsewhere;
       grant all on servers to ${cutoverRole}`,
    );
    assert.match(
      await refusal(runCutover(database.db, specOf({}), "in-cluster", meta)),
      /Partitions of public\.servers are on another server \(public\.far\)/,
    );
  });
});
