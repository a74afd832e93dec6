import assert from "node:assert/strict";

import { type CutoverInputs, runCutoverStep } from "@mcp-fleet/cutover-runner";
import {
  type CutoverSpec,
  drift,
  planRows,
  type RowSpec,
  runCutover,
  settle,
} from "@mcp-fleet/row-cutover";
import fc from "fast-check";

import { withClient } from "../../../lab/database/access";
import { onEachPostgres } from "../../support/postgres";
import { closeServers, initialized, json, serve } from "../../unit/mcp-probe/servers";
import { tenantsDatabase, tenantsSpec, urlOf as tenantUrl } from "../row-cutover/tenants";
import {
  type AttackedDatabase,
  attackedDatabase,
  meta,
  refusal,
  rowSpec,
  studioSpec,
  urlOf,
} from "./support";

const owned: Partial<RowSpec> = { applicationOwns: ["url"] };

/** The example application's cutover, in which the application owns the URL of `github`. */
function specOf(more: Partial<CutoverSpec> = {}, github: Partial<RowSpec> = owned): CutoverSpec {
  const rows = studioSpec().rows.map((row) =>
    row.key === "github" ? rowSpec("github", github) : row,
  );
  return studioSpec({ rows, ...more });
}

/** The document of a server as a later release of the application writes it. */
const later = (url: string): string => JSON.stringify({ url, transport: "streamable-http" });
const slash = later(`${urlOf("github")}/`);

onEachPostgres("the application writes other URLs (issue 16, item 20)", (server) => {
  for (const schema of ["jsonb", "text"] as const) {
    describe(`in a column of ${schema}`, () => {
      let database: AttackedDatabase;
      beforeEach(async () => {
        database = await attackedDatabase(server(), { schema });
      });
      afterEach(() => database.drop());

      /** Like the application on each of its syncs. */
      const write = (config: string, key = "github"): Promise<unknown> =>
        withClient(database.applicationUrl, (client) =>
          client.query("update mcp_servers set config_json = $1 where server_key = $2", [
            config,
            key,
          ]),
        );
      const config = async (key = "github"): Promise<Record<string, unknown>> => {
        const { rows } = await database.snapshot();
        const found = rows.find((row) => row.server_key === key)?.config_json ?? "null";
        return JSON.parse(found) as Record<string, unknown>;
      };
      const forward = async (spec: CutoverSpec): Promise<number> => {
        const { generation: made } = await runCutover(database.db, spec, "in-cluster", meta);
        await settle(database.db, spec, made);
        return made;
      };

      it("its own path is no drift and nothing to write, and an undo goes back", async () => {
        const before = await database.snapshot();
        const spec = specOf();
        assert.equal(await forward(spec), 1);
        assert.equal((await config()).url, urlOf("github"));
        await write(slash);

        assert.deepEqual((await drift(database.db, spec))?.rows, []);
        assert.equal((await planRows(database.db, spec, "in-cluster")).noop, true);
        const again = await runCutover(database.db, spec, "in-cluster", meta);
        assert.deepEqual([again.repeated, again.generation], [true, 1]);
        assert.equal((await config()).url, `${urlOf("github")}/`);

        const plan = await planRows(database.db, spec, "embedded");
        assert.deepEqual(
          plan.changes.map(({ action }) => action),
          ["restore", "restore", "restore", "restore", "restore"],
        );
        const back = await runCutover(database.db, spec, "embedded", meta);
        await settle(database.db, spec, back.generation);
        assert.deepEqual(await database.snapshot(), before);
      });

      it("without the option the same path is drift, is written again, and stops an undo", async () => {
        const spec = specOf({}, {});
        await forward(spec);
        await write(slash);
        assert.deepEqual(
          (await drift(database.db, spec))?.rows.map(({ key, kind }) => `${kind} ${key}`),
          ["changed github"],
        );
        assert.equal((await planRows(database.db, spec, "in-cluster")).noop, false);
        assert.match(
          await refusal(runCutover(database.db, spec, "embedded", meta)),
          /github \(has another url\)/,
        );
      });

      it("another server, host, port or query is as foreign as ever", async () => {
        const spec = specOf();
        await forward(spec);
        const at = urlOf("github");
        const others = [
          at.replace("http:", "https:"),
          at.replace("llmctl-mcp-github.", "llmctl-mcp-chroma."),
          at.replace(".local:8000", ".local:80000"),
          at.replace(".local:8000", ".local:8000@evil.example"),
          at.replace("http://", "http://user:secret@"),
          `${at}?token=secret`,
          `${at}#here`,
          `${at}\\..\\x`,
          `${at}\n`,
        ];
        for (const other of others) {
          await write(later(other));
          const run = planRows(database.db, spec, "in-cluster");
          if (other.includes("@")) assert.match(await refusal(run), /a password in url/);
          else assert.equal((await run).noop, false, other);
          const found = (await drift(database.db, spec))?.rows ?? [];
          assert.deepEqual([other, found.map(({ key }) => key)], [other, ["github"]]);
          assert.match(
            await refusal(runCutover(database.db, spec, "embedded", meta)),
            /github \(has another url\)/,
          );
        }
      });

      it("what else the application changed beside its path is drift and a conflict", async () => {
        const spec = specOf();
        await forward(spec);
        await write(JSON.stringify({ url: `${urlOf("github")}/`, transport: "sse" }));
        const [found] = (await drift(database.db, spec))?.rows ?? [];
        assert.match(found?.detail ?? "", /^differs in transport; now sse/);
        assert.match(
          await refusal(runCutover(database.db, spec, "embedded", meta)),
          /github \(has another transport\)/,
        );
        assert.equal((await planRows(database.db, spec, "in-cluster")).noop, false);
        await forward(spec);
        assert.deepEqual(await config(), JSON.parse(later(urlOf("github"))));
      });

      // No key can be added to old TOML text.
      if (schema === "jsonb")
        it("a key that somebody added stays when the row goes back", async () => {
          const before = await config();
          const spec = specOf();
          await forward(spec);
          await write(JSON.stringify({ ...(JSON.parse(slash) as object), timeout: 5 }));
          await runCutover(database.db, spec, "embedded", meta);
          assert.deepEqual(await config(), { ...before, timeout: 5 });
        });

      it("Settle leaves it and writes again what is none of the application's own paths", async () => {
        const spec = specOf({ fence: false });
        const done = await runCutover(database.db, spec, "in-cluster", meta);
        await write(slash);
        await write(later(`${urlOf("chroma")}/`), "chroma");
        const settled = await settle(database.db, spec, done.generation);
        assert.equal(settled.converted, 1);
        assert.equal((await config()).url, `${urlOf("github")}/`);
        assert.equal((await config("chroma")).url, urlOf("chroma"));
        assert.deepEqual(await settle(database.db, spec, done.generation), settled);
      });

      it("Settle writes a column of the row again and not the path", async () => {
        const spec = specOf({ fence: false }, { ...owned, set: { description: "ours" } });
        const done = await runCutover(database.db, spec, "in-cluster", meta);
        await write(slash);
        await database.query(
          "update mcp_servers set description = 'theirs' where server_key = 'github'",
        );
        const settled = await settle(database.db, spec, done.generation);
        assert.equal(settled.converted, 1);
        const { rows } = await database.snapshot();
        assert.equal(rows.find((row) => row.server_key === "github")?.description, "ours");
        assert.equal((await config()).url, `${urlOf("github")}/`);
      });

      it("the write fence holds the path until Settle", async () => {
        const spec = specOf();
        const done = await runCutover(database.db, spec, "in-cluster", meta);
        await write(slash);
        assert.equal((await config()).url, urlOf("github"));
        assert.equal((await settle(database.db, spec, done.generation)).fencedWrites, 1);
      });

      it("a later generation goes on over the path, and still leads back", async () => {
        const before = await database.snapshot();
        const spec = specOf();
        await forward(spec);
        await write(slash);
        const moved = specOf({
          rows: spec.rows.map((row) =>
            row.key === "chroma" ? { ...row, url: `${row.url}/v2` } : row,
          ),
        });
        assert.equal(await forward(moved), 2);
        assert.equal((await config()).url, `${urlOf("github")}/`);
        await write(later(urlOf("github")));
        assert.deepEqual((await drift(database.db, moved))?.rows, []);
        await runCutover(database.db, moved, "embedded", meta);
        assert.deepEqual(await database.snapshot(), before);
      });

      it("a server that is left out is missed, also under the application's own path", async () => {
        await forward(specOf());
        await write(slash);
        const without = specOf({
          rows: specOf().rows.filter(({ key }) => key !== "github"),
          deferred: ["github", "google-workspace"],
        });
        assert.match(
          await refusal(planRows(database.db, without, "in-cluster")),
          /The row github points to the server that generation 1 .* no server is configured for it any more/,
        );
      });
    });
  }

  it("a release that makes the column jsonb and writes its path is left alone, and an undo converts", async () => {
    const database = await attackedDatabase(server(), { schema: "text" });
    try {
      const spec = specOf({ fence: false });
      const done = await runCutover(database.db, spec, "in-cluster", meta);
      await database.as(
        database.applicationUrl,
        `alter table mcp_servers alter column config_json type jsonb using
           case when config_json like '{%' then config_json::jsonb else '{}' end;
         update mcp_servers set config_json = '${slash}' where server_key = 'github'`,
      );
      assert.equal((await settle(database.db, spec, done.generation)).converted, 0);
      assert.deepEqual((await drift(database.db, spec))?.rows, []);
      assert.equal((await planRows(database.db, spec, "in-cluster")).noop, true);
      const back = await runCutover(database.db, spec, "embedded", meta);
      assert.equal(back.counts.restore, 5);
      const [github] = await database.query<{ command: string }>(
        "select config_json ->> 'command' as command from mcp_servers where server_key = 'github'",
      );
      assert.equal(github?.command, "mcp-server-github");
    } finally {
      await database.drop();
    }
  });

  it("a row that the later release adds is an error that names it, until it is deferred", async () => {
    const database = await attackedDatabase(server());
    try {
      const spec = specOf({ fence: false, deferred: [] });
      const done = await runCutover(database.db, spec, "in-cluster", meta);
      await database.as(
        database.applicationUrl,
        `insert into mcp_servers (name, server_key, config_json, server_type, created_at, updated_at)
         values ('Tracker MCP', 'tracker', '${later("http://tracker.llmctl.svc.cluster.local:8000/mcp/")}', 'integrated', now(), now())`,
      );
      const says =
        /^The row tracker of public\.mcp_servers \(server_type integrated\) has no server configured\.\n.*\[servers\].*\[deferred\]/;
      assert.match(await refusal(settle(database.db, spec, done.generation)), says);
      assert.match(await refusal(planRows(database.db, spec, "in-cluster")), says);
      const found = (await drift(database.db, spec))?.rows ?? [];
      assert.deepEqual(
        found.map(({ key, kind }) => `${kind} ${key}`),
        ["new tracker"],
      );

      const deferred = { ...spec, deferred: ["tracker"] };
      assert.equal((await planRows(database.db, deferred, "in-cluster")).noop, true);
      await settle(database.db, deferred, done.generation);
      assert.deepEqual((await drift(database.db, deferred))?.rows, []);
      const back = await runCutover(database.db, deferred, "embedded", meta);
      assert.equal(back.counts.restore, 5);
    } finally {
      await database.drop();
    }
  });

  it("a row's own path is proved before it is written: a redirect from it stops the run", async () => {
    const database = await attackedDatabase(server());
    let redirects = true;
    const { url } = await serve(({ path, method, body }, _request, response) => {
      if (redirects && path === "/mcp/") return response.writeHead(307, { location: "/mcp" }).end();
      if (method === "DELETE" || body?.id === undefined) return response.writeHead(202).end();
      if (body.method === "initialize") return json(response, initialized(body.id));
      const tools = [{ name: "a", inputSchema: { type: "object" } }];
      return json(response, { jsonrpc: "2.0", id: body.id, result: { tools } });
    });
    try {
      const rows = [rowSpec("github", { url: `${url}/` })];
      const others = studioSpec().rows.flatMap(({ key }) => (key === "github" ? [] : [key]));
      const inputs: CutoverInputs = {
        target: "in-cluster",
        spec: studioSpec({ rows, deferred: [...others, "jira", "google-workspace"] }),
        meta,
        probe: { from: "here", namespace: "tools", consumers: [], deadlineSeconds: 2 },
        targets: [{ name: "github", url }],
        kubernetes: {},
        database: { connect: "direct", tls: "disable" },
      };
      const credentials = { databaseUrl: database.db.connectionString };
      const before = await database.snapshot();
      assert.match(
        await refusal(runCutoverStep(inputs, credentials)),
        /\/mcp\/, which is not among the servers to probe, so nothing was written/,
      );
      const both = {
        ...inputs,
        targets: [...inputs.targets, { name: "github (row.path)", url: `${url}/` }],
      };
      assert.match(
        await refusal(runCutoverStep(both, credentials)),
        /^1 of 2 MCP servers did not pass .*github \(row\.path\): .* redirects \/mcp\/ to \/mcp \(HTTP 307\)/,
      );
      assert.deepEqual(await database.snapshot(), before);
      redirects = false;
      assert.equal((await runCutoverStep(both, credentials)).counts.rewrite, 1);
    } finally {
      await closeServers();
      await database.drop();
    }
  });

  for (const type of ["jsonb", "text"] as const) {
    it(`rows of many users, in ${type}: each keeps the application's path, and goes back`, async () => {
      const stdio = JSON.stringify({ command: "a" });
      const rows = ["a", "a", "a", "b"].map((name) => ({ server: name, config: stdio }));
      const database = await tenantsDatabase(type, rows, server());
      try {
        const before = await database.rows();
        const spec = tenantsSpec(owned);
        const done = await runCutover(database.db, spec, "in-cluster", meta);
        await settle(database.db, spec, done.generation);
        const write = (tenant: number, url: string): Promise<unknown> =>
          database.query("update tenant_servers set config = $1 where tenant_id = $2", [
            later(url),
            tenant,
          ]);
        await write(1, `${tenantUrl("a")}/`);
        await write(2, tenantUrl("a").replace(/\/mcp$/, ""));
        assert.deepEqual((await drift(database.db, spec))?.rows, []);
        assert.equal((await planRows(database.db, spec, "in-cluster")).noop, true);

        await write(3, `${tenantUrl("a")}/?x`);
        const [found] = (await drift(database.db, spec))?.rows ?? [];
        assert.equal(found?.key, "3/a");
        const again = await runCutover(database.db, spec, "in-cluster", meta);
        assert.deepEqual(
          [again.generation, again.counts.rewrite, again.counts.unchanged],
          [2, 1, 3],
        );
        await settle(database.db, spec, 2);
        await write(1, tenantUrl("a"));
        const back = await runCutover(database.db, spec, "embedded", meta);
        assert.equal(back.counts.restore, 4);
        assert.deepEqual(await database.rows(), before);
      } finally {
        await database.drop();
      }
    });
  }

  it("SQL, which counts the rows of many users, and drift, which looks at each, agree on any URL", async () => {
    const at = tenantUrl("a");
    const part = fc.constantFrom(
      ...[
        "/",
        "/mcp",
        "mcp",
        ".",
        "..",
        "%2f",
        "%",
        "?",
        "?a=b",
        "#",
        "@",
        ":",
        "\\",
        " ",
        "\n",
        "\t",
      ],
      ...[
        "\u0000",
        "\u00e9",
        "\u{1f600}",
        "'",
        '"',
        "$",
        "^",
        "-",
        "~",
        "[",
        "]",
        "|",
        "ſ",
        "İ",
        ":9",
        ".evil",
      ],
    );
    const start = fc.constantFrom(
      at,
      at.replace(/\/mcp$/, ""),
      at.slice(0, -6),
      at.toUpperCase(),
      "",
    );
    const url = fc
      .tuple(start, fc.array(part, { maxLength: 4 }))
      .map(([first, rest]) => first + rest.join(""));
    const urls = fc.sample(url, 400);
    for (const type of ["jsonb", "json", "text"] as const) {
      // A jsonb cannot contain that character.
      const held = urls.filter((one) => type !== "jsonb" || !one.includes("\u0000"));
      const rows = held.map(() => ({ server: "a", config: '{"command": "a"}' }));
      const database = await tenantsDatabase(type, rows, server());
      try {
        const spec = tenantsSpec({ ...owned, secretKeys: ["PASSWORD"] }, { fence: false });
        await runCutover(database.db, spec, "in-cluster", meta);
        await database.query(
          `update tenant_servers t set config = u.config::${type}
             from jsonb_to_recordset($1::jsonb) as u(tenant integer, config text) where u.tenant = t.tenant_id`,
          [JSON.stringify(held.map((one, i) => ({ tenant: i + 1, config: later(one) })))],
        );
        const changed = (await drift(database.db, spec))?.rows.map(({ key }) => key) ?? [];
        assert.ok(changed.length > 20 && changed.length < held.length - 20, `${changed.length}`);
        const again = await runCutover(database.db, spec, "in-cluster", meta);
        assert.equal(again.counts.rewrite, changed.length);
        assert.equal(again.counts.unchanged, held.length - changed.length);
        assert.deepEqual((await drift(database.db, spec))?.rows, []);
      } finally {
        await database.drop();
      }
    }
  });
});
