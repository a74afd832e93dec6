import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import type { ProbeResult } from "@mcp-fleet/mcp-probe";

import { closeServers, initialized, json, serve, toolNamed } from "./servers";

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const command = join(dirname(require.resolve("@mcp-fleet/mcp-probe")), "cli.js");
const manifest = join(dirname(command), "..", "package.json");

function mcpProbe(args: readonly string[], targets?: string): Promise<Ended> {
  const env = { ...process.env, ...(targets !== undefined && { MCP_PROBE_TARGETS: targets }) };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [command, ...args],
      { env, timeout: 20_000 },
      (error, stdout, stderr) => {
        resolve({
          code: typeof error?.code === "number" ? error.code : error === null ? 0 : -1,
          stdout,
          stderr,
        });
      },
    );
  });
}

describe("mcp-probe command", () => {
  afterEach(closeServers);

  it("prints one JSON line per server and ends with 1 when one fails", async () => {
    let asker: unknown;
    const fine = await serve((seen, _req, res) => {
      const { id, method, params } = seen.body ?? {};
      if (method === "initialize") asker = params?.clientInfo;
      if (id === undefined) return res.writeHead(202).end();
      if (method === "initialize") return json(res, initialized(id));
      return json(res, { jsonrpc: "2.0", id, result: { tools: [toolNamed("a")] } });
    });
    const locked = await serve((_seen, _req, res) => res.writeHead(401).end());
    const targets = [
      { name: "fine", url: fine.url },
      { name: "locked", url: locked.url },
    ];
    const both = await mcpProbe([], JSON.stringify(targets));
    const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
    assert.deepEqual(asker, { name: "mcp-fleet-probe", version });
    assert.equal(both.code, 1);
    assert.equal(both.stderr, "");
    const results = both.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as ProbeResult);
    assert.deepEqual(Object.fromEntries(results.map(({ name, ok }) => [name, ok])), {
      fine: true,
      locked: false,
    });

    const folder = mkdtempSync(join(tmpdir(), "mcp-probe-"));
    try {
      const file = join(folder, "targets.json");
      writeFileSync(
        file,
        JSON.stringify({ targets: targets.slice(0, 1), options: { deadlineSeconds: 5 } }),
      );
      const one = await mcpProbe([file]);
      assert.equal(one.code, 0);
      assert.deepEqual((JSON.parse(one.stdout) as ProbeResult).tools, ["a"]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  const bad: [string, RegExp][] = [
    ["[{", /is not JSON/],
    ["[]", /has no targets/],
    ['[{"name":"a"}]', /has no url at targets\[0\]/],
    [
      '[{"name":"a","url":"http://x/","header":{"X":"s3cret"}}]',
      /unknown key "header" in targets\[0\]/,
    ],
    [
      '{"targets":[{"name":"a","url":"http://x/"}],"options":{"deadlineSeconds":0}}',
      /deadlineSeconds/,
    ],
  ];
  for (const [input, message] of bad) {
    it(`refuses ${input}`, async () => {
      const ended = await mcpProbe([], input);
      assert.equal(ended.code, 2);
      assert.match(ended.stderr, message);
      assert.equal(ended.stderr.trim().split("\n").length, 2);
      assert.ok(!ended.stderr.includes("s3cret"));
    });
  }
});
