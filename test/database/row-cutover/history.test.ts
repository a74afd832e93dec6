import assert from "node:assert/strict";

import {
  type Db,
  drift,
  finalize,
  readEndpoints,
  readLedger,
  readRunRows,
  readRuns,
  runCutover,
} from "@mcp-fleet/row-cutover";

import { withClient } from "../../../lab/database/access";
import { secretMark } from "../../../lab/database/schema";
import { meta, type StudioDatabase, studioDatabase, studioSpec } from "./support";

const spec = studioSpec({ fence: false });
const tools = { github: ["create_issue", "get_me"], "llmctl-mcp": [] };
const protocols = { github: { web: "2025-11-25", executor: "2026-07-28" } };
const images = { github: { "mcp-server": [`ghcr.io/acme/github@sha256:${"a".repeat(64)}`] } };
const shown = { tools, protocols, images };

describe("history of a cutover", () => {
  let database: StudioDatabase;
  beforeEach(async () => {
    database = await studioDatabase({ schema: "text" });
  });
  afterEach(() => database.drop());

  it("is every run, the newest first, with what the servers listed, agreed on and ran", async () => {
    assert.deepEqual(await readRuns(database.db, spec), []);
    await runCutover(database.db, spec, "in-cluster", { ...meta, ...shown });
    await runCutover(database.db, spec, "embedded", meta);
    const [back, there] = await readRuns(database.db, spec);
    assert.deepEqual([back?.generation, back?.target, back?.tools], [2, "embedded", undefined]);
    assert.deepEqual([there?.generation, there?.target, there?.tools], [1, "in-cluster", tools]);
    assert.deepEqual([back?.protocols, there?.protocols], [undefined, protocols]);
    assert.deepEqual([back?.images, there?.images], [undefined, images]);
  });

  it("adds the columns to a ledger that an earlier release made", async () => {
    await runCutover(database.db, spec, "in-cluster", meta);
    await database.query(
      "drop table mcp_cutover.schema_version; alter table mcp_cutover.run drop column tools, drop column protocols, drop column images, drop column tools_lock",
    );
    assert.equal((await readLedger(database.db, spec))?.generation, 1);
    await runCutover(database.db, spec, "embedded", meta);
    await runCutover(database.db, spec, "in-cluster", { ...meta, ...shown });
    const ledger = await readLedger(database.db, spec);
    assert.deepEqual(
      { tools: ledger?.tools, protocols: ledger?.protocols, images: ledger?.images },
      shown,
    );
    await database.query("alter table mcp_cutover.run drop column images");
    assert.deepEqual((await readLedger(database.db, spec))?.protocols, protocols);
  });

  it("is not gone on with where another role's ledger is", async () => {
    await runCutover(database.db, spec, "in-cluster", meta);
    await database.query("alter table mcp_cutover.run owner to postgres");
    await database.query("grant all on mcp_cutover.run to rc_cutover");
    await assert.rejects(
      runCutover(database.db, spec, "embedded", { ...meta, tools }),
      /not owned by this role \(rc_cutover\).*: table mcp_cutover\.run of postgres/,
    );
  });

  describe("for a login that only compares", () => {
    const role = "rc_reader";
    let reader: Db;
    const grant = (what: string): Promise<unknown> => database.query(`grant ${what} to ${role}`);
    beforeEach(async () => {
      await database.query(`drop role if exists ${role}`);
      await database.query(`create role ${role} login password 'rc-password'`);
      reader = { connectionString: database.urlFor(role, "rc-password") };
    });
    afterEach(async () => {
      await database.query(`drop owned by ${role}`);
      await database.query(`drop role ${role}`);
    });

    it("needs three columns, and of the ledger nothing that held the old rows; says what it lacks", async () => {
      await runCutover(database.db, spec, "in-cluster", meta);
      await assert.rejects(
        readEndpoints(reader, spec),
        /may not read server_key, server_type, config_json of public[^]*grant select \(server_key, server_type, config_json\)/,
      );
      await grant("select (server_key, server_type, config_json) on mcp_servers");
      await assert.rejects(
        drift(reader, spec),
        /may not use the ledger[^]*grant select on mcp_cutover.run, mcp_cutover.fenced_write, mcp_cutover.newest_row/,
      );
      await grant("usage on schema mcp_cutover");
      await grant("select on mcp_cutover.run, mcp_cutover.fenced_write, mcp_cutover.newest_row");
      assert.deepEqual((await drift(reader, spec))?.rows, []);
      assert.equal((await readRuns(reader, spec)).length, 1);
      assert.ok((await readEndpoints(reader, spec)).length > 0);
      await database.query("update mcp_servers set config_json = '{}' where server_key = 'github'");
      assert.deepEqual(
        (await drift(reader, spec))?.rows.map(({ key, kind }) => [key, kind]),
        [["github", "changed"]],
      );
      await assert.rejects(
        runCutover(reader, spec, "embedded", meta),
        /The ledger is not owned by this role \(rc_reader\)/,
      );
      await withClient(reader.connectionString, (client) =>
        assert.rejects(client.query("select from mcp_cutover.journal"), /permission denied/),
      );
    });

    it("sees no old credential, not even of a run before the newest", async () => {
      for (const target of ["in-cluster", "embedded", "in-cluster"] as const) {
        await runCutover(database.db, spec, target, meta);
      }
      const marked = (relation: string): Promise<{ count: number }[]> =>
        database.query(
          `select count(*)::int as count from ${relation} r where r::text like '%${secretMark}%'`,
        );
      assert.deepEqual(await marked("mcp_cutover.newest_row"), [{ count: 0 }]);
      assert.notDeepEqual(await marked("mcp_cutover.journal"), [{ count: 0 }]);
      const held = await database.query("select from mcp_cutover.newest_row");
      assert.equal(held.length, 5);
    });

    it("compares with a grant on the journal, and gets the view with the next run, which refuses that grant, where an earlier release made the ledger", async () => {
      await runCutover(database.db, spec, "in-cluster", meta);
      await database.query(
        "drop table mcp_cutover.schema_version; drop view mcp_cutover.newest_row",
      );
      await grant("select on mcp_servers");
      await grant("usage on schema mcp_cutover");
      await grant("select on all tables in schema mcp_cutover");
      assert.deepEqual((await drift(reader, spec))?.rows, []);
      await assert.rejects(
        runCutover(database.db, spec, "embedded", meta),
        /rc_reader has SELECT on table mcp_cutover\.journal/,
      );
      await database.query(`revoke all on mcp_cutover.journal from ${role}`);
      await database.query(`revoke all on sequence mcp_cutover.journal_entry_seq from ${role}`);
      await runCutover(database.db, spec, "embedded", meta);
      await grant("select on mcp_cutover.newest_row");
      assert.deepEqual((await drift(reader, spec))?.rows, []);
    });
  });

  it("shows a run's rows before and after, and no value that may be secret", async () => {
    await runCutover(database.db, spec, "in-cluster", meta);
    const { rows, more } = (await readRunRows(database.db, spec, 1)) ?? {};
    assert.equal(more, 0);
    assert.deepEqual(
      rows?.find(({ key }) => key === "github"),
      {
        key: "github",
        action: "rewrite",
        from: "stdio mcp-server-github",
        before: { command: "mcp-server-github", env: { GITHUB_PERSONAL_ACCESS_TOKEN: "•••" } },
        to: "streamable-http http://llmctl-mcp-github.llmctl.svc.cluster.local:8000/mcp",
        after: {
          url: "http://llmctl-mcp-github.llmctl.svc.cluster.local:8000/mcp",
          transport: "streamable-http",
        },
      },
    );
    assert.ok(!JSON.stringify(rows).includes(secretMark));
    assert.equal(await readRunRows(database.db, spec, 7), undefined);
  });

  it("has no row as it was before, once the way back was dropped", async () => {
    await runCutover(database.db, spec, "in-cluster", meta);
    await database.query("update mcp_cutover.run set settled_at = now()");
    await finalize(database.db, spec, 1);
    const { rows } = (await readRunRows(database.db, spec, 1)) ?? {};
    assert.ok(rows !== undefined && rows.length > 0);
    assert.deepEqual(
      rows.filter(({ before, from }) => before !== undefined || from !== undefined),
      [],
    );
  });
});
