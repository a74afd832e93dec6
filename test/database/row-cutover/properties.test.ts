import assert from "node:assert/strict";

import { planRows, runCutover, settle, specHash } from "@mcp-fleet/row-cutover";
import fc from "fast-check";

import { meta, type StudioDatabase, studioDatabase, studioSpec } from "./support";

const text = fc.string({ unit: "binary", maxLength: 12 }).filter((value) => !value.includes("\0"));
const scalar = fc.oneof(
  text.map((value) => JSON.stringify(value)),
  fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }).map(String),
  fc.constantFrom("true", "null", "1.10", "-0.0", "1e3", "[]", '{"b":1,"a":[{}]}'),
);
/** JSON with spaces, unusual key order and repeated keys. */
const document = fc
  .array(fc.tuple(fc.oneof(text, fc.constantFrom("args", "cwd", "timeout")), scalar), {
    maxLength: 5,
  })
  .map((members) => {
    const own = members
      .filter(([key]) => !["url", "transport", "headers", "env", "mcp_servers"].includes(key))
      .map(([key, value]) => `${JSON.stringify(key)} : ${value}`);
    return `{${['"command":"x"', ...own].join(", ")}}`;
  });
const lone = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

for (const schema of ["text", "jsonb"] as const) {
  describe(`any documents, ${schema}`, function () {
    this.timeout(180_000);
    let database: StudioDatabase;
    before(async () => {
      database = await studioDatabase({ schema });
    });
    after(() => database.drop());

    it("undo after forward is the identity, with and without what is kept", async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(document, { minLength: 5, maxLength: 5 }),
          fc.constantFrom(undefined, "all" as const, ["timeout"]),
          async (documents, keep) => {
            fc.pre(documents.every((one) => !lone.test(one) && !/\\ud[89a-f]/.test(one)));
            const base = studioSpec();
            const rows = base.rows.map((row) => ({
              ...row,
              ...(keep === undefined ? {} : { keep }),
            }));
            const spec = { ...base, rows };
            for (const [i, row] of rows.entries()) {
              await database.query(
                "update mcp_servers set config_json = $1 where server_key = $2",
                [documents[i], row.key],
              );
            }
            const before = await database.snapshot();
            const forward = await runCutover(database.db, spec, "in-cluster", meta);
            assert.equal(forward.counts.rewrite, 5);
            assert.equal((await planRows(database.db, spec, "in-cluster")).noop, true);
            await settle(database.db, spec, forward.generation);
            await runCutover(database.db, spec, "embedded", meta);
            assert.deepEqual(await database.snapshot(), before);
          },
        ),
        { numRuns: 25, interruptAfterTimeLimit: 120_000 },
      );
    });
  });
}

describe("specHash", () => {
  const spec = studioSpec();
  it("depends on what is written, not on how, nor on the order of keys", () => {
    const hash = specHash(spec, "in-cluster");
    assert.match(hash, /^[0-9a-f]{64}$/);
    assert.equal(
      specHash({ ...spec, fence: false, onConflict: "force", maxRows: 1 }, "in-cluster"),
      hash,
    );
    const reversed = Object.fromEntries(Object.entries(spec).reverse()) as unknown as typeof spec;
    assert.equal(specHash(reversed, "in-cluster"), hash);
    const [first, ...rest] = spec.rows;
    assert.ok(first);
    assert.notEqual(
      specHash({ ...spec, rows: [{ ...first, url: "http://x/mcp" }, ...rest] }, "in-cluster"),
      hash,
    );
    assert.notEqual(specHash(spec, "embedded"), hash);
  });

  it("does not depend on the rows towards embedded, which restores what the journal has", () => {
    assert.equal(specHash({ ...spec, rows: [] }, "embedded"), specHash(spec, "embedded"));
  });
});
