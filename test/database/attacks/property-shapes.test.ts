import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";

import { isUserError } from "@mcp-fleet/errors";
import { drift, planRows, runCutover, settle } from "@mcp-fleet/row-cutover";
import fc from "fast-check";

import { withClient } from "../../../lab/database/access";
import { onEachPostgres } from "../../support/postgres";
import { cutoverRole, emptyDatabase, meta, type StudioDatabase } from "../row-cutover/support";
import { type Shape, shapes, shapeSpec, shapeSql, superuserSql } from "./shapes";
import { refusal } from "./support";

/** Seeds of all failures so far. They always run first. */
const seedFile = "test/database/attacks/shape-seeds.json";
interface Seed {
  readonly seed: number;
  readonly path: string;
}

type Empty = Omit<StudioDatabase, "snapshot">;

/** Everything except the sequences' positions. */
async function everything(database: Empty): Promise<unknown> {
  const [links] = await database.query<{ there: boolean }>(
    "select to_regclass('public.links') is not null as there",
  );
  const [behind] = await database.query<{ there: boolean }>(
    "select to_regclass('public.behind') is not null as there",
  );
  return {
    servers: await database.query("select t::text as row from servers t order by 1"),
    links:
      links?.there === true
        ? await database.query("select t::text as row from links t order by 1")
        : [],
    behind:
      behind?.there === true
        ? await database.query("select t::text as row from behind t order by 1")
        : [],
  };
}

/** @returns whether the shape was accepted; fails if it was neither refused properly nor handled exactly */
async function tryShape(server: string, shape: Shape): Promise<boolean> {
  const database = await emptyDatabase(server);
  try {
    await withClient(database.applicationUrl, (client) => client.query(shapeSql(shape)));
    await database.query(`${superuserSql(shape)}; select 1`);
    const spec = shapeSpec(shape);
    const before = await everything(database);
    try {
      await planRows(database.db, spec, "in-cluster");
    } catch (error) {
      assert.ok(isUserError(error), String(error));
      assert.match(
        error.fix,
        /\[[a-z]+[.\w<>]*\]|\[row\.\w+\]|alter (table|function|role)|grant |BYPASSRLS/,
        error.message,
      );
      assert.doesNotMatch(error.message, /defect of mcp-fleet|--port/);
      assert.equal(await refusal(runCutover(database.db, spec, "in-cluster", meta)), error.message);
      assert.deepEqual(await everything(database), before);
      return false;
    }
    await runCutover(database.db, spec, "in-cluster", meta);
    const moved = await everything(database);
    assert.notDeepEqual(moved, before);
    assert.equal((await planRows(database.db, spec, "in-cluster")).noop, true);
    assert.equal((await runCutover(database.db, spec, "in-cluster", meta)).repeated, true);
    assert.deepEqual(await everything(database), moved);
    await settle(database.db, spec, 1);
    assert.deepEqual(await everything(database), moved);
    assert.deepEqual((await drift(database.db, spec))?.rows, []);
    await planRows(database.db, spec, "embedded");
    await runCutover(database.db, spec, "embedded", meta);
    assert.deepEqual(await everything(database), before);
    await settle(database.db, spec, 2);
    assert.deepEqual(await everything(database), before);
    return true;
  } finally {
    await database.drop();
  }
}

onEachPostgres("any shape of table (issue 16)", (server) => {
  it(`is refused with a key and a fix, or goes there and back exactly, as ${cutoverRole}`, async function () {
    this.timeout(400_000);
    const seeds = JSON.parse(readFileSync(seedFile, "utf8")) as Seed[];
    let taken = 0;
    let refused = 0;
    const property = fc.asyncProperty(shapes, async (shape) => {
      if (await tryShape(server(), shape)) taken += 1;
      else refused += 1;
    });
    for (const seed of seeds) await fc.assert(property, { ...seed, numRuns: 1 });
    const details = await fc.check(property, { numRuns: 40, interruptAfterTimeLimit: 120_000 });
    if (details.failed && details.counterexamplePath !== null) {
      const kept = [...seeds, { seed: details.seed, path: details.counterexamplePath }];
      writeFileSync(seedFile, `${JSON.stringify(kept, null, 2)}\n`);
    }
    assert.equal(details.failed, false, fc.defaultReportMessage(details));
    assert.ok(taken > 2 && refused > 2, `${taken} were taken and ${refused} refused`);
  });
});
