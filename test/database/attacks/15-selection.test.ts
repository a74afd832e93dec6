import assert from "node:assert/strict";

import { planRows, runCutover, settle } from "@mcp-fleet/row-cutover";

import { onEachPostgres } from "../../support/postgres";
import { type TenantsDatabase, tenantsDatabase, tenantsSpec } from "../row-cutover/tenants";
import {
  type AttackedDatabase,
  attackedDatabase,
  cutoverRole,
  meta,
  refusal,
  rowSpec,
  studioSpec,
} from "./support";

onEachPostgres("a run does not invalidate its own selection (issue 16, item 15)", (server) => {
  describe("of single rows", () => {
    let database: AttackedDatabase;
    const spec = studioSpec();
    beforeEach(async () => {
      database = await attackedDatabase(server());
    });
    afterEach(() => database.drop());

    const setting = (set: Record<string, string | null>): typeof spec => ({
      ...spec,
      rows: spec.rows.map((row) => (row.key === "github" ? rowSpec("github", { set }) : row)),
    });

    for (const [column, value] of [
      ["server_type", "custom"],
      ["server_type", null],
      ["server_key", "gh"],
      ["id", "77"],
      ["updated_at", "now"],
      ["config_json", "{}"],
    ] as const) {
      it(`a set of ${column} to ${String(value)} is refused, since no later run would find the row`, async () => {
        const before = await database.snapshot();
        for (const call of [planRows, runCutover]) {
          const said = await refusal(
            call(database.db, setting({ [column]: value }), "in-cluster", meta),
          );
          assert.match(
            said,
            new RegExp(`sets the column ${column}.*\n.*\\[servers\\.github\\.row\\.set\\]`),
          );
        }
        assert.deepEqual(await database.snapshot(), before);
      });
    }

    it("a set of the type column to the value it has, and of others, goes there and back", async () => {
      const before = await database.snapshot();
      const set = setting({ server_type: "integrated", name: "GitHub" });
      await runCutover(database.db, set, "in-cluster", meta);
      await settle(database.db, set, 1);
      await runCutover(database.db, set, "embedded", meta);
      assert.deepEqual(await database.snapshot(), before);
    });

    it("a row without a key of its own stops the way forward", async () => {
      await database.as(
        database.applicationUrl,
        "alter table mcp_servers alter column server_key drop not null; update mcp_servers set server_key = null where server_key = 'chroma'",
      );
      assert.match(
        await refusal(runCutover(database.db, spec, "in-cluster", meta)),
        /have no unique key.*: NULL \(server_key\)/,
      );
    });

    it("a seed that the role could not take back is not made", async () => {
      await database.query("delete from chat_thread_mcp_servers");
      await database.query("delete from mcp_servers where server_key = 'chroma'");
      await database.query(`revoke delete on mcp_servers from ${cutoverRole}`);
      const seed = { values: { name: "Chroma MCP", created_at: "now" } };
      const seeding = {
        ...spec,
        rows: spec.rows.map((row) => (row.key === "chroma" ? rowSpec("chroma", { seed }) : row)),
      };
      for (const call of [planRows, runCutover])
        assert.match(
          await refusal(call(database.db, seeding, "in-cluster", meta)),
          /no DELETE privilege on public\.mcp_servers/,
        );
    });

    it("a generated column is not written", async () => {
      await database.as(
        database.applicationUrl,
        "alter table mcp_servers add column label text generated always as (upper(name)) stored",
      );
      assert.match(
        await refusal(planRows(database.db, setting({ label: "x" }), "in-cluster")),
        /The column label of public\.mcp_servers is generated/,
      );
    });
  });

  describe("of the many rows of a server", () => {
    let database: TenantsDatabase;
    const spec = tenantsSpec();
    const row = { server: "a", config: '{"command": "x"}' };
    beforeEach(async () => {
      database = await tenantsDatabase(
        "jsonb",
        [row, { server: "b", config: '{"command": "y"}' }],
        server(),
      );
      await database.query("alter table tenant_servers drop constraint tenant_servers_pkey");
      await database.query("alter table tenant_servers alter column tenant_id drop not null");
    });
    afterEach(() => database.drop());

    for (const [title, change, message] of [
      ["NULL", "update tenant_servers set tenant_id = null where server_key = 'a'", /: NULL\/a \(/],
      [
        "doubled",
        "insert into tenant_servers select tenant_id, server_key, config, 'managed', 'twin', updated_at from tenant_servers where server_key = 'a'",
        /: 1\/a \(2 rows\)/,
      ],
      [
        "another's",
        "insert into tenant_servers select tenant_id, server_key, config, 'own', 'twin', updated_at from tenant_servers where server_key = 'a'",
        /: 1\/a \(2 rows\)/,
      ],
    ] as const) {
      it(`a key that is ${title} stops the way forward`, async () => {
        await database.query(change);
        const before = await database.rows();
        for (const call of [planRows, runCutover])
          assert.match(await refusal(call(database.db, spec, "in-cluster", meta)), message);
        assert.deepEqual(await database.rows(), before);
      });
    }

    it("keys without a constraint that are their rows' own go there and back", async () => {
      const before = await database.rows();
      assert.equal((await runCutover(database.db, spec, "in-cluster", meta)).counts.rewrite, 2);
      await settle(database.db, spec, 1);
      await runCutover(database.db, spec, "embedded", meta);
      assert.deepEqual(await database.rows(), before);
    });
  });
});
