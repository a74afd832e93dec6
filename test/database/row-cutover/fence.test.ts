import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import { planRows, readLedger, runCutover, settle } from "@mcp-fleet/row-cutover";
import { Pool } from "pg";

import { withClient } from "../../../lab/database/access";
import { convertColumn } from "../../../lab/studio/documents";
import type { PayloadContext } from "../../../lab/studio/payloads";
import { syncRows, type SyncSummary } from "../../../lab/studio/rows";
import {
  cutoverRole,
  meta,
  rowSpec,
  type Snapshot,
  type StudioDatabase,
  studioDatabase,
  studioSpec,
  targetOf,
} from "./support";

/** The application's own code, which writes its rows back on boot and on ordinary requests. */
function application(mode: PayloadContext["mode"]): PayloadContext {
  return {
    mode,
    namespace: "llmctl",
    appDir: "/app",
    chroma: { host: "", port: "", ssl: "" },
  };
}

class Writer {
  readonly sums: SyncSummary = { created: 0, updated: 0, held: 0 };
  syncs = 0;
  private stopped = false;
  private readonly pool: Pool;
  private readonly done: Promise<void>;

  constructor(url: string, mode: PayloadContext["mode"]) {
    this.pool = new Pool({ connectionString: url, max: 2 });
    this.done = this.loop(mode);
  }

  async untilSyncs(count: number): Promise<void> {
    const wanted = this.syncs + count;
    while (this.syncs < wanted) await sleep(5);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.done;
    await this.pool.end();
  }

  private async loop(mode: PayloadContext["mode"]): Promise<void> {
    while (!this.stopped) {
      const summary = await syncRows(this.pool, application(mode));
      Object.assign(this.sums, {
        created: this.sums.created + summary.created,
        updated: this.sums.updated + summary.updated,
        held: this.sums.held + summary.held,
      });
      this.syncs += 1;
      await sleep(5);
    }
  }
}

async function syncOnce(url: string, mode: PayloadContext["mode"]): Promise<SyncSummary> {
  const pool = new Pool({ connectionString: url, max: 1 });
  try {
    return await syncRows(pool, application(mode));
  } finally {
    await pool.end();
  }
}

function assertTarget(snapshot: Snapshot): void {
  for (const row of snapshot.rows.filter((one) => one.server_type === "integrated")) {
    assert.deepEqual(JSON.parse(row.config_json ?? ""), targetOf(row.server_key ?? ""));
  }
}

for (const schema of ["text", "jsonb"] as const) {
  describe(`write fence, ${schema}`, () => {
    let database: StudioDatabase;
    const spec = studioSpec();
    beforeEach(async () => {
      database = await studioDatabase({ schema });
    });
    afterEach(() => database.drop());

    it("holds the rows against the application's old code until Settle, and counts every write (S13)", async () => {
      const writer = new Writer(database.applicationUrl, "embedded");
      await writer.untilSyncs(3);
      assert.equal(writer.sums.held, 0);
      await runCutover(database.db, spec, "in-cluster", meta);
      await writer.untilSyncs(20);
      const during = await database.snapshot();
      assertTarget(during);
      await writer.stop();
      assert.equal(writer.sums.updated, 0);
      assert.ok(writer.sums.held >= 5 * 19, `${writer.sums.held} writes held`);

      const settled = await settle(database.db, spec, 1);
      assert.equal(settled.fencedWrites, writer.sums.held);
      assert.deepEqual([settled.converted, settled.removedFence], [0, true]);
      assert.deepEqual(await database.snapshot(), during);
      assert.deepEqual(await database.query("select from pg_trigger where not tgisinternal"), []);

      const again = await settle(database.db, spec, 1);
      assert.deepEqual(again, { ...settled, removedFence: false });
      const ledger = await readLedger(database.db, spec);
      assert.deepEqual(
        [ledger?.fencedWrites, ledger?.settledAt],
        [settled.fencedWrites, settled.settledAt],
      );
    });

    it("does the same for the new code during a rollback, and the rows are as before", async () => {
      const before = await database.snapshot();
      await runCutover(database.db, spec, "in-cluster", meta);
      await settle(database.db, spec, 1);
      const writer = new Writer(database.applicationUrl, "in-cluster");
      await writer.untilSyncs(2);
      assert.deepEqual(writer.sums.held, 0);
      await runCutover(database.db, { ...spec, onConflict: "keep" }, "embedded", meta).catch(
        async (error: unknown) => {
          await writer.stop();
          throw error;
        },
      );
      await writer.untilSyncs(5);
      await writer.stop();
      const settled = await settle(database.db, spec, 2);
      assert.equal(settled.fencedWrites, writer.sums.held);
      assert.ok(settled.fencedWrites >= 20);
      const after = await database.snapshot();
      // The new code legitimately changes the description of llmctl-mcp before the rollback.
      const known = (rows: Snapshot["rows"]): unknown =>
        rows.map((row) =>
          row.server_key === "llmctl-mcp" ? { ...row, description: "", updated_at: "" } : row,
        );
      assert.deepEqual(known(after.rows), known(before.rows));
    });

    it("is needed: without it one request to old code undoes the cutover, and Settle writes the rows again (S13)", async () => {
      const unfenced = { ...spec, fence: false };
      await runCutover(database.db, unfenced, "in-cluster", meta);
      assert.equal((await syncOnce(database.applicationUrl, "embedded")).updated, 5);
      const lost = await database.snapshot();
      assert.ok(lost.rows.every((row) => row.config_json?.includes("command")));
      const settled = await settle(database.db, unfenced, 1);
      assert.deepEqual(
        [settled.fencedWrites, settled.converted, settled.removedFence],
        [0, 5, false],
      );
      assertTarget(await database.snapshot());
    });

    it("is left out with a warning where the role may not make triggers", async () => {
      await database.query(`revoke trigger on mcp_servers from ${cutoverRole}`);
      const plan = await planRows(database.db, spec, "in-cluster");
      assert.match(
        plan.warnings.join(" "),
        /may not create triggers on .*Settle writes overwritten rows again/,
      );
      await runCutover(database.db, spec, "in-cluster", meta);
      assert.equal((await readLedger(database.db, spec))?.fenced, false);
      await syncOnce(database.applicationUrl, "embedded");
      assert.equal((await settle(database.db, spec, 1)).converted, 5);
      assertTarget(await database.snapshot());
    });

    it("lets other columns and other rows through", async () => {
      await runCutover(database.db, spec, "in-cluster", meta);
      await withClient(database.applicationUrl, async (client) => {
        await client.query(
          "update mcp_servers set description = 'Mine' where server_key = 'github'",
        );
        await client.query("update mcp_servers set name = 'Ours' where server_type = 'custom'");
        await client.query(
          "update mcp_servers set config_json = '{}', description = 'Both' where server_key = 'chroma'",
        );
      });
      const rows = (await database.snapshot()).rows;
      const of = (key: string): Record<string, string | null> | undefined =>
        rows.find((row) => row.server_key === key);
      assert.equal(of("github")?.description, "Mine");
      assert.equal(of("chroma")?.description, "Both");
      assert.deepEqual(JSON.parse(of("chroma")?.config_json ?? ""), targetOf("chroma"));
      assert.equal(rows.find((row) => row.server_type === "custom")?.name, "Ours");
      assert.equal((await settle(database.db, spec, 1)).fencedWrites, 1);
    });

    it("does not let a renamed row be inserted again, and converts a row that old code inserts late (S13)", async () => {
      await database.query("delete from chat_thread_mcp_servers");
      await database.query("delete from mcp_servers where server_key = 'chroma'");
      await database.query(
        "update mcp_servers set server_key = 'jira' where server_key = 'atlassian'",
      );
      const before = await database.snapshot();
      await runCutover(database.db, spec, "in-cluster", meta);
      await withClient(database.applicationUrl, async (client) => {
        const refused = await client.query(
          `insert into mcp_servers (name, server_key, config_json, server_type, created_at, updated_at)
           select 'Jira', 'jira', config_json, 'integrated', now(), now() from mcp_servers where server_key = 'github'`,
        );
        assert.equal(refused.rowCount, 0);
      });
      assert.equal((await syncOnce(database.applicationUrl, "embedded")).created, 1);
      const late = (await database.snapshot()).rows.find((row) => row.server_key === "chroma");
      const settled = await settle(database.db, spec, 1);
      assert.equal(settled.converted, 1);
      assertTarget(await database.snapshot());
      await runCutover(database.db, spec, "embedded", meta);
      const after = await database.snapshot();
      assert.deepEqual(
        after.rows.filter((row) => row.server_key !== "chroma"),
        before.rows,
      );
      assert.deepEqual(
        after.rows.find((row) => row.server_key === "chroma"),
        late,
      );
    });
  });
}

describe("write fence and the application's own change of the column", () => {
  let database: StudioDatabase;
  const spec = studioSpec({ rows: studioSpec().rows.map((row) => rowSpec(row.key as string)) });
  beforeEach(async () => {
    database = await studioDatabase({ schema: "text" });
  });
  afterEach(() => database.drop());

  it("lets the column become jsonb, and sessions from before go on (S26)", async () => {
    const before = await database.snapshot();
    await runCutover(database.db, spec, "in-cluster", meta);
    await withClient(database.applicationUrl, async (session) => {
      const write = (): Promise<unknown> =>
        session.query(
          'update mcp_servers set config_json = \'{"command":"x"}\', updated_at = now()',
        );
      await write();
      const pool = new Pool({ connectionString: database.applicationUrl, max: 1 });
      assert.equal(await convertColumn(pool), true);
      await pool.end();
      await write();
      await write();
    });
    const after = await database.snapshot();
    assert.equal(after.type, "jsonb");
    assertTarget(after);
    const settled = await settle(database.db, spec, 1);
    assert.deepEqual([settled.fencedWrites, settled.converted], [15, 0]);

    // The test's own writer changed the custom row; the others come back in the conversion's form.
    const plan = await planRows(database.db, spec, "embedded");
    assert.match(plan.warnings.join(" "), /was text at the cutover and is jsonb now/);
    await runCutover(database.db, spec, "embedded", meta);
    const other = await studioDatabase({ schema: "text" });
    const pool = new Pool({ connectionString: other.applicationUrl, max: 1 });
    await convertColumn(pool);
    await pool.end();
    const converted = await other.snapshot();
    await other.drop();
    const own = (rows: Snapshot["rows"]): unknown =>
      rows.filter((row) => row.server_type === "integrated");
    assert.deepEqual(own((await database.snapshot()).rows), own(converted.rows));
    assert.equal(before.type, "text");
  });
});

describe("settle", () => {
  it("has nothing to do for generation 0 and refuses any but the newest", async () => {
    const database = await studioDatabase({ schema: "jsonb" });
    const spec = studioSpec();
    assert.deepEqual(await settle(database.db, spec, 0), {
      fencedWrites: 0,
      converted: 0,
      removedFence: false,
      settledAt: "",
    });
    await assert.rejects(settle(database.db, spec, 1), /the ledger's newest is none/);
    await runCutover(database.db, spec, "in-cluster", meta);
    await runCutover(database.db, spec, "embedded", meta);
    await assert.rejects(settle(database.db, spec, 1), /the ledger's newest is 2/);
    assert.equal((await settle(database.db, spec, 2)).removedFence, true);
    await database.drop();
  });
});
