import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type Db, planRows, readLedger, runCutover } from "@mcp-fleet/row-cutover";

import { withClient } from "../../../lab/database/access";
import { dataDir, start, stop } from "../../../lab/database/server";
import { freePort } from "../../support/port";
import { type ScratchServer, scratchServer, serverUrl } from "../../support/postgres";
import { isForward, meta, studioDatabase, studioSpec } from "./support";

const spec = studioSpec();

describe("what happens to a whole server", function () {
  this.timeout(120_000);
  let primary: ScratchServer | undefined;
  let mounted: string | undefined;

  afterEach(async () => {
    await primary?.stop();
    primary = undefined;
    if (mounted !== undefined) {
      execFileSync("umount", [mounted]);
      rmSync(mounted, { recursive: true });
      mounted = undefined;
    }
  });

  it("a standby is refused (S33); promoted without the run's last transaction, it converges (S34)", async () => {
    primary = await scratchServer();
    const { options } = primary;
    const database = await studioDatabase({ schema: "jsonb" }, primary.url);
    const before = await database.snapshot();
    // The standby has everything up to here: asynchronous replication lags behind the rest.
    await stop(options.dir);
    const standby = { ...options, dir: `${options.dir}-standby`, port: await freePort() };
    mkdirSync(standby.dir);
    execFileSync("cp", ["-a", dataDir(options.dir), dataDir(standby.dir)]);
    writeFileSync(join(dataDir(standby.dir), "standby.signal"), "");
    await start(options);
    await start(standby);
    try {
      const there = new URL(database.db.connectionString);
      there.port = String(standby.port);
      const copy: Db = { connectionString: there.href };
      await assert.rejects(planRows(copy, spec, "in-cluster"), /standby/);
      await assert.rejects(runCutover(copy, spec, "in-cluster", meta), /standby/);

      const lost = await runCutover(database.db, spec, "in-cluster", meta);
      assert.equal(lost.generation, 1);
      await stop(options.dir);

      await withClient(serverUrl(standby), (client) => client.query("select pg_promote()"));
      assert.equal(await readLedger(copy, spec), undefined);
      const again = await runCutover(copy, spec, "in-cluster", meta);
      assert.deepEqual([again.generation, again.counts, again.repeated], [1, lost.counts, false]);
      await runCutover(copy, spec, "embedded", meta);
      const url = new URL(database.url);
      url.port = String(standby.port);
      const restored = await withClient(url.href, (client) =>
        client.query<{ config: string }>(
          "select config_json::text as config from mcp_servers order by id",
        ),
      );
      assert.deepEqual(
        restored.rows.map(({ config }) => config),
        before.rows.map((row) => row.config_json),
      );
    } finally {
      await stop(standby.dir);
      rmSync(standby.dir, { recursive: true, force: true });
    }
  });

  it("a disk that is full takes the run back whole, and with room again it goes through (S36)", async function () {
    if (process.env.MCP_FLEET_TEST_DATABASE_URL !== undefined) {
      process.stdout.write("    skipped: the disk of a given server is not ours to fill\n");
      return this.skip();
    }
    const directory = mkdtempSync(join(tmpdir(), "mcp-fleet-full-"));
    const mount = spawnSync("mount", ["-t", "tmpfs", "-o", "size=24m", "tmpfs", directory]);
    if (mount.status !== 0) {
      rmSync(directory, { recursive: true });
      process.stdout.write("    skipped: a small disk cannot be mounted here (root is needed)\n");
      return this.skip();
    }
    mounted = directory;
    primary = await scratchServer();
    const { uid, gid } = primary.options.user;
    if (uid !== undefined && gid !== undefined) chownSync(directory, uid, gid);
    const database = await studioDatabase({ schema: "jsonb" }, primary.url);
    await withClient(primary.url, async (client) => {
      await client.query(`create tablespace small location '${directory}'`);
      await client.query(`alter database ${database.name} set tablespace small`);
    });
    const before = await database.snapshot();
    await database.query("create table ballast (filler text)");
    const full = database.query(
      "insert into ballast select repeat(md5(n::text), 60) from generate_series(1, 100000) n",
    );
    await assert.rejects(full, /No space left/);
    // The insert was rolled back, its pages were not.
    await assert.rejects(
      runCutover(database.db, spec, "in-cluster", meta),
      /The database refused while moving the rows: .*No space left on device.*53100.*no row was changed/,
    );
    assert.deepEqual(await database.snapshot(), before);
    assert.equal(await readLedger(database.db, spec), undefined);

    await database.query("drop table ballast");
    assert.equal((await runCutover(database.db, spec, "in-cluster", meta)).counts.rewrite, 5);
    assert.equal(isForward(await database.snapshot()), true);
  });
});
