import assert from "node:assert/strict";

import { planRows, runCutover, settle } from "@mcp-fleet/row-cutover";
import { Client } from "pg";

import { secretMark } from "../../../lab/database/schema";
import { onEachPostgres } from "../../support/postgres";
import { tenantsDatabase, tenantsSpec } from "../row-cutover/tenants";
import { attackedDatabase, meta, studioSpec } from "./support";

/** The texts of all statements sent while `work` runs, without parameter values. */
async function statements(work: () => Promise<unknown>): Promise<string[]> {
  const texts: string[] = [];
  const { prototype } = Client as unknown as {
    prototype: { query: (this: Client, ...args: unknown[]) => unknown };
  };
  const real = prototype.query;
  prototype.query = function (...args) {
    const [first] = args as [string | { text: string }];
    texts.push(typeof first === "string" ? first : first.text);
    return real.apply(this, args);
  };
  try {
    await work();
  } finally {
    prototype.query = real;
  }
  assert.ok(texts.length > 0);
  return texts;
}

/** A statement's text appears in the server's log, in `pg_stat_activity` and in lists of slow statements. */
onEachPostgres("no statement has a secret in its text (issue 16, item 6)", (server) => {
  const secret = "s3cr3t-header";

  it("neither a header, with one row or many of a server", async () => {
    const headers = { Authorization: `Bearer ${secret}` };
    const tenants = await tenantsDatabase(
      "jsonb",
      [{ server: "a", config: '{"command": "x"}' }],
      server(),
    );
    const database = await attackedDatabase(server());
    try {
      const many = tenantsSpec({ secretKeys: [], headers });
      const one = studioSpec();
      const spec = { ...one, rows: one.rows.map((row) => ({ ...row, headers })) };
      const texts = await statements(async () => {
        for (const [db, its] of [
          [tenants.db, many],
          [database.db, spec],
        ] as const) {
          await planRows(db, its, "in-cluster");
          const { generation } = await runCutover(db, its, "in-cluster", meta);
          await settle(db, its, generation);
          await runCutover(db, its, "embedded", meta);
        }
      });
      assert.deepEqual(
        texts.filter((text) => text.includes(secret)),
        [],
      );
    } finally {
      await tenants.drop();
      await database.drop();
    }
  });

  it("nor an old document that Settle writes again in the form of another type", async () => {
    const database = await attackedDatabase(server(), { schema: "text" });
    try {
      const spec = { ...studioSpec(), fence: false };
      await runCutover(database.db, spec, "in-cluster", meta);
      await settle(database.db, spec, 1);
      const texts = await statements(async () => {
        await runCutover(database.db, spec, "embedded", meta);
        await database.as(
          database.applicationUrl,
          `alter table mcp_servers alter column config_json type jsonb using '{"url": "late"}'::jsonb`,
        );
        assert.ok((await settle(database.db, spec, 2)).converted > 0);
      });
      assert.deepEqual(
        texts.filter((text) => text.includes(secretMark)),
        [],
      );
    } finally {
      await database.drop();
    }
  });
});
