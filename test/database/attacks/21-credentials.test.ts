import assert from "node:assert/strict";

import { planRows, readCredentials, readRunRows, runCutover } from "@mcp-fleet/row-cutover";

import { onEachPostgres } from "../../support/postgres";
import { tenantsDatabase, tenantsSpec } from "../row-cutover/tenants";
import {
  type AttackedDatabase,
  attackedDatabase,
  meta,
  refusal,
  rowSpec,
  studioSpec,
} from "./support";

const value = "s3cr3t-value";

/** Where a document may contain a credential, and its name in messages. */
const places: readonly (readonly [title: string, document: object, name: string, known: string])[] =
  [
    [
      "an option and its value",
      { command: "x", args: ["--token", value] },
      "--token",
      "GITHUB_TOKEN",
    ],
    [
      "an option with its value",
      { command: "x", args: [`--api-key=${value}`] },
      "--api-key",
      "API_KEY",
    ],
    [
      "a variable among the arguments",
      { command: "docker", args: ["run", "-e", `MY_TOKEN=${value}`, "image"] },
      "MY_TOKEN",
      "MY_TOKEN",
    ],
    ["a list of variables", { command: "x", env: [`MY_TOKEN=${value}`] }, "MY_TOKEN", "MY_TOKEN"],
    [
      "a list of names and values",
      { command: "x", env: [{ name: "MY_TOKEN", value }] },
      "MY_TOKEN",
      "MY_TOKEN",
    ],
    [
      "a variable before the command",
      { command: `MY_TOKEN=${value} prog --port 1` },
      "MY_TOKEN",
      "MY_TOKEN",
    ],
    [
      "an option of the command",
      { command: `prog --password ${value}` },
      "--password",
      "DB_PASSWORD",
    ],
    [
      "a URL among the arguments",
      { command: "x", args: [`https://user:${value}@host/`] },
      "a password in a URL",
      "GITHUB_PASSWORD",
    ],
    [
      "a URL in a variable",
      { command: "x", env: { DSN: `postgres://user:${value}@host/db` } },
      "DSN",
      "DSN",
    ],
    [
      "the row's own URL",
      { url: `https://user:${value}@host/mcp`, transport: "sse" },
      "a password in url",
      "PASSWORD",
    ],
    [
      "a header",
      { command: "x", args: ["--header", `Authorization: Bearer ${value}`] },
      "a header among the arguments",
      "AUTHORIZATION",
    ],
    [
      "a header of another name",
      { command: "x", args: ["-H", `Private-Token: ${value}`] },
      "a header among the arguments",
      "AUTHORIZATION",
    ],
    [
      "a variable in one word with its option",
      { command: "docker", args: ["run", `--env=MY_TOKEN=${value}`] },
      "MY_TOKEN",
      "MY_TOKEN",
    ],
    [
      "a variable in a line for a shell",
      { command: "sh", args: ["-c", `export MY_TOKEN='${value}'; exec prog`] },
      "MY_TOKEN",
      "MY_TOKEN",
    ],
    [
      "a header of a remote server",
      { url: "https://host/mcp", headers: { Authorization: `Bearer ${value}` } },
      "headers.Authorization",
      "AUTHORIZATION",
    ],
    [
      "a key of the document's own",
      { command: "x", oauth: [{ client_secret: value }] },
      "oauth.0.client_secret",
      "CLIENT_SECRET",
    ],
    [
      "a parameter of the row's URL",
      { url: `https://host/mcp?api_key=${value}`, transport: "sse" },
      "the parameter api_key of url",
      "API_KEY",
    ],
  ];

onEachPostgres("a credential is one wherever it stands (issue 16, item 21)", (server) => {
  let database: AttackedDatabase;
  beforeEach(async () => {
    database = await attackedDatabase(server());
  });
  afterEach(() => database.drop());

  const specOf = (secretKeys: readonly string[]): ReturnType<typeof studioSpec> => ({
    ...studioSpec(),
    rows: studioSpec().rows.map((row) =>
      row.key === "github" ? rowSpec("github", { secretKeys }) : row,
    ),
  });

  for (const [title, document, name, known] of places) {
    it(`${title}: refused by name, and never printed`, async () => {
      await database.query("update mcp_servers set config_json = $1 where server_key = 'github'", [
        JSON.stringify(document),
      ]);
      for (const call of [planRows, runCutover]) {
        const said = await refusal(call(database.db, specOf([]), "in-cluster", meta));
        assert.ok(
          said.includes(
            `Credentials would be lost, since the old rows hold them and the servers they move to do not: github: ${name}`,
          ),
          said,
        );
        assert.ok(!said.includes(value));
      }
      const plan = await planRows(database.db, specOf([known]), "in-cluster");
      assert.ok(!JSON.stringify(plan).includes(value), JSON.stringify(plan));
      await runCutover(database.db, specOf([known]), "in-cluster", meta);
      const rows = await readRunRows(database.db, specOf([known]), 1);
      assert.ok(!JSON.stringify(rows).includes(value), JSON.stringify(rows));
      assert.ok(
        !JSON.stringify(await planRows(database.db, specOf([known]), "embedded")).includes(value),
      );
    });
  }

  it("variables outside of an object are read for the secret store", async () => {
    await database.query("update mcp_servers set config_json = $1 where server_key = 'github'", [
      JSON.stringify({
        command: `A_TOKEN=${value} x`,
        args: ["-e", `B_TOKEN=${value}`],
        env: [`C_TOKEN=${value}`],
      }),
    ]);
    const found = await readCredentials(database.db, studioSpec());
    assert.deepEqual(found.find(({ key }) => key === "github")?.env, {
      A_TOKEN: value,
      B_TOKEN: value,
      C_TOKEN: value,
    });
  });

  it("plain options are none", async () => {
    await database.query("update mcp_servers set config_json = $1 where server_key = 'github'", [
      JSON.stringify({
        command: "x",
        args: [
          "--auth",
          "none",
          "--token-limit",
          "4000",
          "--key-file=/a",
          "--ssl=false",
          "--host",
          "http://h:1/",
        ],
      }),
    ]);
    assert.equal((await planRows(database.db, specOf([]), "in-cluster")).changes.length, 5);
  });

  for (const type of ["text", "jsonb"] as const) {
    it(`of the many rows of a server too, ${type}`, async () => {
      for (const [, document, name] of places) {
        const tenants = await tenantsDatabase(
          type,
          [
            { server: "a", config: '{"command": "x", "env": {"PLAIN": "t"}}' },
            { server: "a", config: '{"command": "x", "env": {"PLAIN": "t"}}' },
            { server: "a", config: JSON.stringify(document) },
          ],
          server(),
        );
        try {
          const said = await refusal(
            planRows(tenants.db, tenantsSpec({ secretKeys: [] }), "in-cluster"),
          );
          assert.ok(said.includes(`a: ${name}`), said);
          assert.ok(!said.includes(value));
        } finally {
          await tenants.drop();
        }
      }
    });
  }

  it("what a run itself wrote is none that would be lost", async () => {
    const headers = { Authorization: `Bearer ${value}` };
    const spec = specOf([]);
    await database.query(
      `update mcp_servers set config_json = '{"command": "x"}' where server_key = 'github'`,
    );
    const withHeaders = { ...spec, rows: spec.rows.map((row) => ({ ...row, headers })) };
    await runCutover(database.db, withHeaders, "in-cluster", meta);
    // Without them, and with another path in the URL.
    const moved = spec.rows.map((row) => ({ ...row, url: `${row.url}2` }));
    assert.equal(
      (await runCutover(database.db, { ...spec, rows: moved }, "in-cluster", meta)).counts.rewrite,
      5,
    );
  });
});
