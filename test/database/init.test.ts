import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type CutoverSpec, planRows, type RowPlan, type Target } from "@mcp-fleet/row-cutover";
import { parse } from "yaml";

import { secretMark } from "../../lab/database/schema";
import { type CliResult, mcpFleet } from "../support/cli";
import { runProgram } from "../support/resources";
import {
  cutoverRole,
  emptyDatabase,
  type StudioDatabase,
  studioDatabase,
} from "./row-cutover/support";

type Empty = Omit<StudioDatabase, "snapshot">;

describe("mcp-fleet init", function () {
  this.timeout(60_000);
  let directory: string;
  let file: string;
  let database: Empty;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "mcp-fleet-init-"));
    file = join(directory, "Pulumi.new.yaml");
  });
  afterEach(async () => {
    rmSync(directory, { recursive: true, force: true });
    await database.drop();
  });

  function init(...more: string[]): Promise<CliResult> {
    const args = ["init", "--file", file, "--no-cluster", "--tls", "disable", ...more];
    return mcpFleet(args, { MCP_FLEET_DATABASE_URL: database.db.connectionString });
  }

  /** Sets the printed values, as a person would, and lets the program plan the rows of the unedited file. */
  async function preview(said: CliResult): Promise<RowPlan> {
    assert.equal(said.exitCode, 0, said.stderr);
    const secret: Record<string, unknown> = {};
    for (const [, path = ""] of said.stdout.matchAll(
      /^ {2}pulumi config set --secret --path '(.*)'$/gm,
    )) {
      const names = path.split(".");
      let at = secret;
      for (const name of names.slice(0, -1)) at = (at[name] ??= {}) as Record<string, unknown>;
      const url = /databaseUrl|DATABASE_URL/.test(path);
      at[names.at(-1) ?? ""] = url ? database.db.connectionString : "set-by-the-test";
    }
    const { config } = parse(readFileSync(file, "utf8")) as { config: Record<string, unknown> };
    const plain = Object.fromEntries(
      Object.entries(config)
        .filter(([key]) => key.startsWith("mcp-fleet:"))
        .map(([key, value]) => [key.slice("mcp-fleet:".length), value]),
    );
    const { recorder } = await runProgram({ plain, secret });
    const [cutover] = recorder.of("pulumi-nodejs:dynamic/mcp-fleet:Cutover");
    const { spec, target } = (cutover?.inputs ?? {}) as { spec: CutoverSpec; target: Target };
    return planRows(database.db, spec, target);
  }

  const rewritten = ({ changes }: RowPlan): string[] =>
    changes
      .filter(({ action }) => action === "rewrite")
      .map(({ key }) => key)
      .sort();

  for (const schema of ["text", "jsonb"] as const)
    for (const atlassianKey of ["atlassian", "jira", "both"] as const)
      it(`ends in a plan of five rows, unedited: ${schema}, ${atlassianKey}`, async () => {
        database = await studioDatabase({ schema, atlassianKey });
        const said = await init();
        const plan = await preview(said);
        assert.deepEqual(rewritten(plan), [
          ...["atlassian", "chroma", "github", "google-cloud", "llmctl-mcp"],
        ]);
        const merged = plan.changes.filter(({ action }) => action === "merge");
        assert.equal(merged.length, atlassianKey === "both" ? 1 : 0);
        for (const text of [said.stdout, said.stderr, readFileSync(file, "utf8")])
          assert.ok(!text.includes(secretMark));
        assert.match(said.stdout, /serverSecrets\.github\.GITHUB_PERSONAL_ACCESS_TOKEN'/);
      });

  it("writes over no configuration unless it is told to, and keeps the secrets and what they are encrypted by", async () => {
    database = await studioDatabase({ schema: "jsonb" });
    writeFileSync(file, "encryptionsalt: v1:abc=\n");
    assert.equal((await init()).exitCode, 0);
    const first = readFileSync(file, "utf8");
    assert.match(first, /^encryptionsalt: v1:abc=\n# Written by/);
    const again = await init();
    assert.equal(again.exitCode, 2);
    assert.match(again.stderr, /has a configuration already; nothing was written/);
    writeFileSync(file, `${first}  mcp-fleet:mine: 1\n`);
    assert.equal((await init("--force")).exitCode, 0);
    assert.equal(readFileSync(file, "utf8"), first);
    const secrets = [
      ...["  mcp-fleet:databaseUrl:", "    secure: v1:abc", "  mcp-fleet:serverSecrets:"],
      ...["    github:", "      TOKEN:", "        secure: v1:def", ""],
    ].join("\n");
    writeFileSync(file, first + secrets);
    assert.equal((await init("--force")).exitCode, 0);
    assert.equal(readFileSync(file, "utf8"), first + secrets);
  });

  it("says plainly when there is nothing, and what is there in a form that no cutover rewrites", async () => {
    database = await emptyDatabase();
    await database.query(`
      create table notes (id int primary key, body text, meta jsonb);
      insert into notes values (1, 'command = "rm"', '{"url": "https://example.com/hook"}');
      create table "LiteLLM_MCPServerTable" (server_id text primary key, url text, command text, transport text, env jsonb);
      create table user_installed_plugins (user_id text, identifier text, custom_params jsonb, primary key (user_id, identifier));
      insert into user_installed_plugins values ('u', 'github', '{"mcp": {"type": "stdio", "command": "npx", "args": ["-y", "x"]}}');
      grant select on all tables in schema public to ${cutoverRole}`);
    await database.query("delete from notes");
    const said = await init();
    assert.equal(said.exitCode, 3);
    assert.match(said.stderr, /^No table of the database .* holds configurations of MCP servers\./);
    assert.match(
      said.stderr,
      /"LiteLLM_MCPServerTable" keeps command, URL or transport in columns/,
    );
    assert.match(said.stderr, /user_installed_plugins holds servers in custom_params under "mcp"/);
    assert.ok(!existsSync(file));
  });

  it("reads Langflow's table: names by owner, encrypted values, rows of its own projects", async () => {
    database = await emptyDatabase();
    await database.query(`
      create table mcp_server (id uuid primary key, user_id uuid not null, name varchar not null, transport varchar,
        config json, enabled boolean not null, version integer not null, created_at timestamptz not null,
        updated_at timestamptz not null, unique (user_id, name));
      insert into mcp_server select gen_random_uuid(), owner, name, null, config::json, true, 1, now(), now() from (values
        ('00000000-0000-0000-0000-000000000001'::uuid, 'github', '{"command": "npx", "args": ["-y", "@modelcontextprotocol/server-github@2025.4.8"], "env": {"GITHUB_PERSONAL_ACCESS_TOKEN": "gAAAAA${secretMark}"}}'),
        ('00000000-0000-0000-0000-000000000002', 'github', '{"command": "npx", "args": ["-y", "@modelcontextprotocol/server-github"], "env": {"GITHUB_PERSONAL_ACCESS_TOKEN": "gAAAAA${secretMark}2"}}'),
        ('00000000-0000-0000-0000-000000000001', 'lf-starter', '{"command": "uvx", "args": ["mcp-proxy", "--headers", "x-api-key", "${secretMark}3", "http://localhost:7860/sse"]}'),
        ('00000000-0000-0000-0000-000000000002', 'docs', '{"url": "https://docs.example.com/mcp"}')) r(owner, name, config);
      grant select, insert, update, delete on mcp_server to ${cutoverRole}`);
    const said = await init();
    const plan = await preview(said);
    assert.deepEqual(
      plan.changes.map(({ key, action, count }) => [key, action, count]),
      [["github", "rewrite", 2]],
    );
    const text = readFileSync(file, "utf8");
    assert.ok(!`${text}${said.stdout}`.includes(secretMark));
    assert.match(text, /match: name/);
    assert.match(text, /lf-starter starts uvx mcp-proxy, which is in no catalog/);
    assert.match(text, /docs has a URL already \(https:\/\/docs\.example\.com\/mcp\)/);
  });

  it("reads better-chatbot's table, whose names are not unique, in a schema with odd names", async () => {
    database = await emptyDatabase();
    await database.query(`
      create schema "Chat Bot"; grant usage on schema "Chat Bot" to ${cutoverRole};
      create table "Chat Bot"."mcp: server" (id uuid primary key default gen_random_uuid(), name text not null,
        config json not null, updated_at timestamp not null default now());
      insert into "Chat Bot"."mcp: server" (name, config) values
        ('Jira & co', '{"command": "uvx", "args": ["mcp-atlassian"], "env": {"JIRA_URL": "https://x", "JIRA_USERNAME": "u", "JIRA_API_TOKEN": "${secretMark}"}}'),
        ('yes', '{"command": "docker run --env TOKEN=${secretMark} foo"}');
      grant select, update on "Chat Bot"."mcp: server" to ${cutoverRole}`);
    const said = await init();
    assert.deepEqual(rewritten(await preview(said)), ["Jira & co"]);
    assert.ok(!`${readFileSync(file, "utf8")}${said.stdout}`.includes(secretMark));
  });

  it("asks for the database's address and for a table that is there", async () => {
    database = await studioDatabase({ schema: "jsonb" });
    const unset = await mcpFleet(["init", "--file", file, "--no-cluster"], {
      MCP_FLEET_DATABASE_URL: "",
    });
    assert.equal(unset.exitCode, 2);
    assert.match(unset.stderr, /MCP_FLEET_DATABASE_URL is unset/);
    const none = await init("--table", "public.none");
    assert.match(none.stderr, /There is no table public\.none/);
    assert.ok(!existsSync(file));
  });
});
