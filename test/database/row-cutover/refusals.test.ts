import assert from "node:assert/strict";

import { type CutoverSpec, planRows, runCutover, specHash } from "@mcp-fleet/row-cutover";

import { secretMark } from "../../../lab/database/schema";
import {
  cutoverRole,
  emptyDatabase,
  meta,
  rowSpec,
  type StudioDatabase,
  studioDatabase,
  studioSpec,
} from "./support";

describe("a run that must not happen", () => {
  let database: StudioDatabase;
  const spec = studioSpec();
  afterEach(() => database.drop());

  /** Plan and run both refuse with `message`, in two sentences without a secret, and nothing was changed. */
  async function assertRefused(message: RegExp, with_: typeof spec = spec): Promise<void> {
    const before = await database.snapshot();
    for (const attempt of [
      () => planRows(database.db, with_, "in-cluster"),
      () => runCutover(database.db, with_, "in-cluster", meta),
    ]) {
      await assert.rejects(attempt(), (error: Error) => {
        assert.equal(error.name, "UserError");
        assert.match(error.message, message);
        assert.equal(error.message.split("\n").length, 2, error.message);
        assert.ok(!error.message.includes(secretMark), error.message);
        assert.ok(!error.message.includes("rc-password"), error.message);
        assert.equal(error.cause, undefined);
        return true;
      });
    }
    assert.deepEqual(await database.snapshot(), before);
  }

  it("lists the application's own rows that have no server", async () => {
    database = await studioDatabase({ schema: "jsonb" });
    const fewer = { ...spec, rows: spec.rows.filter(({ key }) => key === "llmctl-mcp") };
    await assertRefused(
      /The rows atlassian, chroma, github, google-cloud of public\.mcp_servers .*have no server/,
      fewer,
    );
    const deferred = ["atlassian", "chroma", "github", "google-cloud"];
    const plan = await planRows(database.db, { ...fewer, deferred }, "in-cluster");
    assert.deepEqual(
      plan.changes.map(({ key }) => key),
      ["llmctl-mcp"],
    );
    // The application may still rewrite a row that the run defers, so the plan warns.
    assert.match(
      plan.warnings.join("\n"),
      /^The rows atlassian, chroma, github, google-cloud are deferred: .*the application may rewrite them by itself/m,
    );
  });

  for (const schema of ["text", "jsonb"] as const) {
    it(`lists the servers that are gone while rows still point to them, ${schema} (S24)`, async () => {
      database = await studioDatabase({ schema });
      const unfenced = studioSpec({ fence: false });
      await runCutover(database.db, unfenced, "in-cluster", meta);
      const less = (keys: readonly string[], more: Partial<CutoverSpec> = {}): CutoverSpec => ({
        ...unfenced,
        rows: spec.rows.filter(({ key }) => !keys.includes(key as string)),
        deferred: [...spec.deferred, ...keys],
        ...more,
      });
      await assertRefused(
        /^The row chroma points to the server that generation 1 /,
        less(["chroma"]),
      );
      const both = ["atlassian", "chroma"];
      await assertRefused(/^The rows atlassian, chroma point to the servers /, less(both));
      // Skipped on purpose, or changed since: none of them points to what is removed.
      await planRows(database.db, less(both, { skip: both }), "in-cluster");
      await database.query(
        `update mcp_servers set config_json = '{"url": "http://elsewhere/mcp"}' where server_key = any($1)`,
        [both],
      );
      const { changes } = await planRows(database.db, less(both), "in-cluster");
      assert.deepEqual([...new Set(changes.map(({ action }) => action))], ["unchanged"]);
    });

    it(`names the credentials that would be lost, and no value, ${schema}`, async () => {
      database = await studioDatabase({ schema });
      const bare = {
        ...spec,
        rows: spec.rows.map((row) =>
          rowSpec(row.key as string, { secretKeys: ["JIRA_API_TOKEN"] }),
        ),
      };
      await assertRefused(
        /Credentials would be lost.*: github: GITHUB_PERSONAL_ACCESS_TOKEN; atlassian: CONFLUENCE_API_TOKEN\./,
        bare,
      );
    });

    it(`the plan names settings that the server has otherwise, and no value, ${schema}`, async () => {
      database = await studioDatabase({ schema });
      const settings = (env: Record<string, string>): Partial<CutoverSpec> => ({
        rows: spec.rows.map((row) =>
          row.key === "chroma" ? { ...row, settings: { env, args: ["--ssl=false"] } } : row,
        ),
      });
      const warnings = async (env: Record<string, string>): Promise<readonly string[]> =>
        (await planRows(database.db, studioSpec(settings(env)), "in-cluster")).warnings;
      const same = {
        CHROMA_HOST: "llmctl-chromadb",
        CHROMA_PORT: "8000",
        CHROMA_CLIENT_TYPE: "http",
      };
      const other = /^chroma: the old row has other values of (.*) than the server/;
      assert.deepEqual(
        (await warnings(same)).filter((line) => other.test(line)),
        [],
      );
      const named = (await warnings({ ...same, CHROMA_HOST: "elsewhere" })).flatMap(
        (line) => other.exec(line)?.slice(1) ?? [],
      );
      assert.deepEqual(named, ["--host"]);
      assert.equal(
        specHash(studioSpec(settings(same)), "in-cluster"),
        specHash(spec, "in-cluster"),
        "what is only compared is no part of the plan's identity",
      );
    });

    it(`lists rows that are no documents, custom ones too, ${schema} (S27)`, async () => {
      database = await studioDatabase({ schema });
      const bad = schema === "text" ? `password = "${secretMark}` : `["${secretMark}"]`;
      for (const key of ["broken-a", "broken-b"]) {
        await database.query(
          `insert into mcp_servers (name, server_key, config_json, server_type, created_at, updated_at)
           values ('x', $1, $2, 'custom', now(), now())`,
          [key, schema === "jsonb" ? JSON.stringify(bad) : bad],
        );
      }
      await assertRefused(
        /The documents of the rows broken-a, broken-b in public\.mcp_servers are/,
      );
      const skipping = { ...spec, skip: ["broken-a", "broken-b"] };
      assert.equal((await runCutover(database.db, skipping, "in-cluster", meta)).counts.rewrite, 5);
    });
  }

  it("does not touch a custom row under a configured key", async () => {
    database = await studioDatabase({ schema: "jsonb" });
    await database.query(
      "update mcp_servers set server_type = 'custom' where server_key = 'github'",
    );
    await assertRefused(/The row github of .* is a user's own server/);
  });

  it("names a missing table and a missing column, and a column of the wrong type (S26)", async () => {
    database = await studioDatabase({ schema: "jsonb" });
    const table = spec.table;
    await assertRefused(/The table public\.servers does not exist/, {
      ...spec,
      table: { ...table, table: "servers" },
    });
    await assertRefused(/has no column "config"; it has id, name,/, {
      ...spec,
      table: { ...table, config: "config" },
    });
    await assertRefused(/mcp_servers\.name is of type|mcp_servers\.id is of type integer/, {
      ...spec,
      table: { ...table, config: "id" },
    });
  });

  it("names missing privileges (S25)", async () => {
    database = await studioDatabase({ schema: "jsonb", atlassianKey: "both" });
    await database.query(`revoke update on mcp_servers from ${cutoverRole}`);
    await assertRefused(/no UPDATE privilege on public\.mcp_servers/);
    await database.query(`grant update on mcp_servers to ${cutoverRole}`);
    await database.query(`revoke create on database ${database.name} from ${cutoverRole}`);
    await assert.rejects(
      runCutover(database.db, spec, "in-cluster", meta),
      /schema mcp_cutover .* is missing/,
    );
    await database.query(`create schema mcp_cutover authorization ${cutoverRole}`);
    await database.query(`revoke update on chat_thread_mcp_servers from ${cutoverRole}`);
    const before = await database.snapshot();
    await assert.rejects(
      runCutover(database.db, spec, "in-cluster", meta),
      /no UPDATE privilege on public\.chat_thread_mcp_servers/,
    );
    assert.deepEqual(await database.snapshot(), before);
    await database.query(`grant update on chat_thread_mcp_servers to ${cutoverRole}`);
    assert.equal((await runCutover(database.db, spec, "in-cluster", meta)).counts.merge, 1);
  });

  it("refuses under row-level security, which would hide rows (S25)", async () => {
    database = await studioDatabase({ schema: "jsonb" });
    await database.query("alter table mcp_servers enable row level security");
    await assertRefused(/Row-level security on public\.mcp_servers hides rows/);
  });

  it("refuses a table that another cutover moved, and a ledger from another database (S33)", async () => {
    database = await studioDatabase({ schema: "jsonb" });
    await runCutover(database.db, { ...spec, name: "mcp-fleet/prod" }, "in-cluster", meta);
    await assertRefused(/already moved by the cutover "mcp-fleet\/prod"/);
    await database.query("update mcp_cutover.run set system_identifier = '7'");
    await assertRefused(/written in database .* of system 7, but this is/, {
      ...spec,
      name: "mcp-fleet/prod",
    });
  });

  it("refuses more rows than allowed, and a key given twice (S29)", async () => {
    database = await studioDatabase({ schema: "jsonb" });
    await assertRefused(/more than 3 rows/, { ...spec, maxRows: 3 });
    await assertRefused(/The key jira is configured for two servers/, {
      ...spec,
      rows: [...spec.rows, { ...rowSpec("github"), key: "jira" }],
    });
  });
});

describe("a database that cannot be used", () => {
  const spec = studioSpec();

  it("is named without the connection string (S7)", async () => {
    for (const [url, message] of [
      [
        "postgresql://someone:hunter2@127.0.0.1:1/db",
        /cannot be reached while .* \(ECONNREFUSED\)/,
      ],
      [
        "postgresql://someone:hunter2@no-such-host.invalid/db",
        /cannot be reached while .*ENOTFOUND|EAI_AGAIN/,
      ],
    ] as const) {
      await assert.rejects(
        planRows({ connectionString: url }, spec, "in-cluster"),
        (error: Error) => {
          assert.match(error.message, message);
          assert.ok(!error.message.includes("hunter2"));
          return true;
        },
      );
    }
  });

  it("is empty: the table is missing, which only the way forward minds", async () => {
    const database = await emptyDatabase();
    await assert.rejects(
      runCutover(database.db, spec, "in-cluster", meta),
      /table public\.mcp_servers does not exist/,
    );
    assert.equal((await runCutover(database.db, spec, "embedded", meta)).generation, 0);
    const wrong = new URL(database.db.connectionString);
    wrong.password = "wrong";
    await assert.rejects(
      planRows({ connectionString: wrong.href }, spec, "embedded"),
      /refuses the login .*28P01/,
    );
    await database.drop();
  });
});
