import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import { readLedger, runCutover, settle } from "@mcp-fleet/row-cutover";
import { Pool } from "pg";

import { meta, type Snapshot, type StudioDatabase, studioDatabase, studioSpec } from "./support";

const perSecond = 50;
const keys = ["llmctl-mcp", "github", "atlassian", "chroma", "google-cloud"];

/** Writes documents back at a fixed rate, like an old process of the application, and counts the results. */
class Restorer {
  /** Blocked writes: the row did not change. */
  held = 0;
  slowestMs = 0;
  private stopped = false;
  private readonly pending: Promise<void>[] = [];
  private readonly pool: Pool;
  private readonly loop: Promise<void>;

  constructor(
    url: string,
    private readonly documents: ReadonlyMap<string, string>,
  ) {
    this.pool = new Pool({ connectionString: url, max: 10 });
    this.loop = this.run();
  }

  /** Resolves once `count` writes were blocked; otherwise the test's limit ends it. */
  async untilHeld(count: number): Promise<void> {
    while (this.held < count) await sleep(20);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.loop;
    await Promise.all(this.pending);
    await this.pool.end();
  }

  private async run(): Promise<void> {
    for (let n = 0; !this.stopped; n += 1) {
      this.pending.push(this.write(keys[n % keys.length] ?? ""));
      await sleep(1000 / perSecond);
    }
  }

  /** One write; the returned row shows whether it took effect. */
  private async write(key: string): Promise<void> {
    const wanted = this.documents.get(key) ?? "";
    const started = performance.now();
    const done = await this.pool.query<{ now: string }>(
      "update mcp_servers set config_json = $1, updated_at = now() where server_key = $2 returning config_json::text as now",
      [wanted, key],
    );
    this.slowestMs = Math.max(this.slowestMs, performance.now() - started);
    if (done.rows[0]?.now !== wanted) this.held += 1;
  }
}

function documentsOf(snapshot: Snapshot): Map<string, string> {
  return new Map(snapshot.rows.map((row) => [row.server_key ?? "", row.config_json ?? ""]));
}

for (const schema of ["text", "jsonb"] as const) {
  describe(`writers that put documents back ${perSecond} times a second, ${schema}`, function () {
    this.timeout(60_000);
    let database: StudioDatabase;
    const spec = studioSpec();
    beforeEach(async () => {
      database = await studioDatabase({ schema });
    });
    afterEach(() => database.drop());

    it("during forward, rollout and undo: the rows are the target's, and every fenced write is counted (S13)", async () => {
      const old = documentsOf(await database.snapshot());
      const forward = new Restorer(database.applicationUrl, old);
      await sleep(300);
      const done = await runCutover(database.db, spec, "in-cluster", meta);
      assert.deepEqual([done.generation, done.counts], [1, { rewrite: 5 }]);
      await forward.untilHeld(perSecond);
      const moved = documentsOf(await database.snapshot());
      for (const key of keys) assert.match(moved.get(key) ?? "", /svc\.cluster\.local/);
      await forward.stop();
      const settled = await settle(database.db, spec, 1);
      assert.equal(settled.fencedWrites, forward.held);
      assert.equal(settled.converted, 0);
      assert.deepEqual(documentsOf(await database.snapshot()), moved);

      // The reverse: the new code writes the new documents back during the rollback, and after.
      const back = new Restorer(database.applicationUrl, moved);
      await sleep(300);
      const undone = await runCutover(database.db, spec, "embedded", meta);
      assert.equal(undone.counts.restore, 5);
      await back.untilHeld(perSecond);
      assert.deepEqual(documentsOf(await database.snapshot()), old);
      await back.stop();
      assert.equal((await settle(database.db, spec, 2)).fencedWrites, back.held);
      assert.deepEqual(documentsOf(await database.snapshot()), old);
      assert.equal((await readLedger(database.db, spec))?.fencedWrites, back.held);
      for (const writer of [forward, back]) {
        assert.ok(writer.slowestMs < 2000, `a writer waited for ${writer.slowestMs} ms`);
      }
    });

    it("while Settle runs: none takes hold before the fence is gone, none is lost from the count (S13)", async () => {
      const old = documentsOf(await database.snapshot());
      await runCutover(database.db, spec, "in-cluster", meta);
      const writer = new Restorer(database.applicationUrl, old);
      await sleep(400);
      const settled = await settle(database.db, spec, 1);
      await writer.stop();
      // Settle waits for the end of such a writer; its earlier writes are blocked.
      assert.equal(settled.fencedWrites, writer.held);
      assert.ok(writer.held > 0);
    });
  });
}
