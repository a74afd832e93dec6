import assert from "node:assert/strict";

import {
  type CutoverSpec,
  drift,
  planRows,
  readRunRows,
  runCutover,
  settle,
  staleHeaders,
} from "@mcp-fleet/row-cutover";

import { meta, type StudioDatabase, studioDatabase, studioSpec } from "./support";

/** The rows with a header of GitHub's whose value is in a Secret, as read by the caller. */
function specWith(token: string, place = "github-token"): CutoverSpec {
  const from = { namespace: "llmctl", secret: place, key: "token", prefix: "Bearer " };
  return studioSpec({
    rows: studioSpec().rows.map((row) =>
      row.key === "github"
        ? {
            ...row,
            headers: { "X-Tenant": "studio", Authorization: `Bearer ${token}` },
            headersFrom: { Authorization: from },
          }
        : row,
    ),
  });
}

for (const schema of ["jsonb", "text"] as const) {
  describe(`a header whose value comes from a Secret, ${schema}`, () => {
    let database: StudioDatabase;
    before(async () => {
      database = await studioDatabase({ schema });
    });
    after(() => database.drop());

    const header = async (): Promise<unknown> => {
      const [row] = await database.query(
        "select config_json::jsonb #>> '{headers,Authorization}' as value from mcp_servers where server_key = 'github'",
      );
      return row?.value;
    };

    it("is written, and shown by no plan, journal or drift", async () => {
      const spec = specWith("s3cret-one");
      const plan = await planRows(database.db, spec, "in-cluster");
      const { generation: first } = await runCutover(database.db, spec, "in-cluster", meta);
      assert.equal(first, 1);
      assert.equal(await header(), "Bearer s3cret-one");
      const again = await planRows(database.db, spec, "in-cluster");
      assert.equal(again.noop, true);
      assert.deepEqual(await staleHeaders(database.db, spec), []);
      const shown = [
        ...[plan, again, await readRunRows(database.db, spec, 1)],
        await drift(database.db, spec),
      ];
      assert.ok(!JSON.stringify(shown).includes("s3cret"));
      await settle(database.db, spec, 1);
    });

    it("that has another value since is stale, has the same hash, and is written by the next run", async () => {
      const rotated = specWith("s3cret-two");
      assert.deepEqual(await staleHeaders(database.db, rotated), [
        { key: "github", header: "Authorization", rows: 1 },
      ]);
      // The row itself is unchanged: that is a separate check.
      assert.deepEqual((await drift(database.db, rotated))?.rows, []);
      const before = await planRows(database.db, specWith("s3cret-one"), "in-cluster");
      const plan = await planRows(database.db, rotated, "in-cluster");
      assert.equal(plan.hash, before.hash);
      assert.deepEqual([before.noop, plan.noop, plan.generation], [true, false, 2]);
      assert.deepEqual(
        plan.changes
          .filter(({ action }) => action !== "unchanged")
          .map(({ key, action }) => [key, action]),
        [["github", "rewrite"]],
      );
      await runCutover(database.db, rotated, "in-cluster", meta);
      assert.equal(await header(), "Bearer s3cret-two");
      assert.deepEqual(await staleHeaders(database.db, rotated), []);
      await settle(database.db, rotated, 2);
    });

    it("that the application has erased is none, as any of its headers", async () => {
      await database.query(
        `update mcp_servers set config_json = ${schema === "jsonb" ? "config_json - 'headers'" : "(config_json::jsonb - 'headers')::text"} where server_key = 'github'`,
      );
      assert.equal(await header(), null);
      assert.deepEqual(await staleHeaders(database.db, specWith("s3cret-three")), []);
    });
  });
}

it("another place of a header's value is another plan", async () => {
  const database = await studioDatabase({ schema: "jsonb" });
  try {
    const [one, other] = await Promise.all(
      ["github-token", "other-token"].map((place) =>
        planRows(database.db, specWith("s3cret", place), "in-cluster"),
      ),
    );
    assert.notEqual(one?.hash, other?.hash);
  } finally {
    await database.drop();
  }
});
