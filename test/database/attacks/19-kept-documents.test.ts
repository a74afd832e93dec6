import assert from "node:assert/strict";

import { isUserError } from "@mcp-fleet/errors";
import { planRows, type RowSpec, runCutover, settle } from "@mcp-fleet/row-cutover";
import fc from "fast-check";

import { onEachPostgres } from "../../support/postgres";
import {
  type AttackedDatabase,
  attackedDatabase,
  meta,
  refusal,
  rowSpec,
  studioSpec,
} from "./support";

const word = fc.constantFrom("command", "args", "cwd", "timeout", "a b", "x", "é", "\\u0041");
const json = fc.oneof(
  fc.constantFrom(
    '"x"',
    "1e400",
    "1.10",
    '"\\u0000"',
    '"\\ud800"',
    "[1,{}]",
    "null",
    "-0",
    "90071992547409931234",
  ),
  fc.string({ maxLength: 6 }).map((value) => JSON.stringify(value)),
);
const jsonDocument = fc
  .array(fc.tuple(word, json), { maxLength: 4 })
  .map((members) => `{${members.map(([key, value]) => `"${key}": ${value}`).join(", ")}}`);
const toml = fc.oneof(
  fc.constantFrom(
    '"x"',
    "'y'",
    "1",
    "1.5",
    "nan",
    "07:32:00",
    "1979-05-27",
    "[1, 2]",
    "{ b = 1 }",
    '"\\u0000"',
    "90071992547409931234",
  ),
);
const tomlDocument = fc
  .uniqueArray(fc.tuple(fc.constantFrom("command", "args", "cwd", "timeout", "x"), toml), {
    maxLength: 4,
    selector: ([key]) => key,
  })
  .map((members) => members.map(([key, value]) => `${key} = ${value}`).join("\n"));
const wrapped = fc.oneof(
  jsonDocument.map((inner) => `{"mcp_servers": {"github": ${inner}}}`),
  tomlDocument.map((inner) => `[mcp_servers.github]\n${inner}`),
);
const keep = fc.constantFrom<RowSpec["keep"]>(
  undefined,
  [],
  ["timeout"],
  ["nothing"],
  ["x", "cwd"],
  "all",
);

onEachPostgres("plan and run read each document alike (issue 16, item 19)", (server) => {
  let database: AttackedDatabase;
  before(async () => {
    database = await attackedDatabase(server(), { schema: "text" });
  });
  after(() => database.drop());

  const put = (config: string): Promise<unknown> =>
    database.query("update mcp_servers set config_json = $1 where server_key = 'github'", [config]);
  const specOf = (kept: RowSpec["keep"]): ReturnType<typeof studioSpec> => ({
    ...studioSpec(),
    rows: studioSpec().rows.map((row) =>
      row.key === "github" && kept !== undefined ? rowSpec("github", { keep: kept }) : row,
    ),
  });

  /** A run and its undo; generations continue from the existing ones. */
  async function roundTrip(config: string, kept: RowSpec["keep"]): Promise<boolean> {
    await put(config);
    const spec = specOf(kept);
    const before = await database.snapshot();
    try {
      await planRows(database.db, spec, "in-cluster");
    } catch (error) {
      // The run refuses the same with the same message as the plan.
      assert.ok(isUserError(error), String(error));
      assert.equal(await refusal(runCutover(database.db, spec, "in-cluster", meta)), error.message);
      assert.deepEqual(await database.snapshot(), before);
      return false;
    }
    const done = await runCutover(database.db, spec, "in-cluster", meta);
    assert.equal((await planRows(database.db, spec, "in-cluster")).noop, true);
    await settle(database.db, spec, done.generation);
    const back = await runCutover(database.db, spec, "embedded", meta);
    await settle(database.db, spec, back.generation);
    assert.deepEqual(await database.snapshot(), before);
    return true;
  }

  for (const [config, kept] of [
    ['command = "x"', ["timeout"]],
    ['command = "x"', "all"],
    ["", "all"],
    ['[mcp_servers.github]\ncommand = "x"', ["timeout"]],
    ['{"mcp_servers": {"github": {"command": "x"}}}', ["timeout"]],
  ] as const) {
    it(`${JSON.stringify(config)} with nothing to keep of ${JSON.stringify(kept)} goes there and back`, async () => {
      assert.equal(await roundTrip(config, kept), true);
    });
  }

  it("a document that the database cannot take apart is refused by the plan, by its row", async () => {
    await put('{"command": "x", "a\\u0000b": 1}');
    assert.match(
      await refusal(planRows(database.db, specOf("all"), "in-cluster")),
      /cannot read the document of github .*\n.*\[row\.keep\]/,
    );
    assert.equal(await roundTrip('{"command": "x", "a\\u0000b": 1}', undefined), true);
  });

  it("any document with any keep: both refuse it, or both take it, and it comes back", async function () {
    this.timeout(240_000);
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(jsonDocument, tomlDocument, wrapped),
        keep,
        async (config, kept) => {
          if (await roundTrip(config, kept)) taken += 1;
        },
      ),
      { numRuns: 40, interruptAfterTimeLimit: 100_000 },
    );
    assert.ok(taken > 10, `${taken} documents were taken`);
  });

  it("a number that JSON has no form of is refused rather than kept as null", async () => {
    await put('command = "x"\ntimeout = nan');
    assert.match(
      await refusal(planRows(database.db, specOf(["timeout"]), "in-cluster")),
      /The document of github, of which something is to be kept, holds a number that jsonb cannot/,
    );
    assert.equal(await roundTrip('command = "x"\ntimeout = nan', ["x"]), true);
  });

  for (const [was, is] of [
    ["90071992547409931", "90071992547409932"],
    ["0.12345678901234567", "0.12345678901234568"],
  ] as const) {
    it(`an undo sees that somebody made ${is} of ${was}`, async () => {
      await put(`{"command": "x", "limit": ${was}}`);
      const { generation } = await runCutover(database.db, specOf("all"), "in-cluster", meta);
      await settle(database.db, specOf("all"), generation);
      await database.query(
        `update mcp_servers set config_json = replace(config_json, '${was}', '${is}') where server_key = 'github'`,
      );
      const back = await runCutover(database.db, specOf("all"), "embedded", meta);
      await settle(database.db, specOf("all"), back.generation);
      assert.ok((back.counts.restore ?? 0) > 0);
      const [row] = await database.query<{ config: string }>(
        "select config_json as config from mcp_servers where server_key = 'github'",
      );
      assert.match(row?.config ?? "", new RegExp(`"limit": ?${is.replace(".", "\\.")}`));
    });
  }
});
