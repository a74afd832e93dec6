import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";

import { type CutoverInputs, probeServers } from "@mcp-fleet/cutover-runner";
import { isUserError } from "@mcp-fleet/errors";

import { closeServers, initialized, json, serve, toolNamed } from "../mcp-probe/servers";

const inputs = (targets: CutoverInputs["targets"]): Parameters<typeof probeServers>[0] => ({
  spec: { name: "test" },
  probe: { from: "here", namespace: "tools", consumers: [], deadlineSeconds: 1 },
  targets,
  kubernetes: {},
});

describe("cutover-runner: the probe's verdict", () => {
  afterEach(closeServers);

  it("lists every server that failed, with its reason, and that nothing was touched", async () => {
    const fine = await serve((seen, _req, res) => {
      const { id, method } = seen.body ?? {};
      if (id === undefined) return res.writeHead(202).end();
      if (method === "initialize") return json(res, initialized(id));
      return json(res, { jsonrpc: "2.0", id, result: { tools: [toolNamed("a")] } });
    });
    const moved = await serve((_seen, _req, res) =>
      res.writeHead(307, { location: "/mcp/" }).end(),
    );
    const locked = await serve((_seen, _req, res) => res.writeHead(401).end());
    const targets = [
      { name: "fine", url: fine.url },
      { name: "moved", url: moved.url },
      { name: "locked", url: locked.url, headers: { Authorization: "Bearer s3cret" } },
    ];
    await assert.rejects(
      () => probeServers(inputs(targets), {}),
      (error) => {
        assert.ok(isUserError(error));
        assert.match(
          error.problem,
          /^2 of 3 MCP servers did not pass the probe, so rows and application are untouched\. moved: .* redirects \/mcp to \/mcp\/ .* locked: .* answers HTTP 401/,
        );
        assert.ok(!error.problem.includes("fine:"));
        assert.ok(!error.message.includes("s3cret"));
        assert.ok(!error.problem.includes("\n"));
        return true;
      },
    );
    const [probe] = await probeServers(inputs(targets.slice(0, 1)), {});
    assert.equal(probe?.consumer, "here");
    assert.deepEqual(
      probe?.results.map(({ tools }) => tools),
      [["a"]],
    );
    assert.ok(Date.parse(probe?.completedAt ?? "") >= Date.parse(probe?.startedAt ?? ""));
  });

  it("loads without the Kubernetes client and the row engine", () => {
    const script = `require("@mcp-fleet/cutover-runner");
      const heavy = Object.keys(require.cache).filter((file) => /client-node|row-cutover|\\/pg\\//.test(file));
      process.stdout.write(String(heavy.length));`;
    assert.equal(
      execFileSync(process.execPath, ["-e", script], { cwd: __dirname, encoding: "utf8" }),
      "0",
    );
  });
});
