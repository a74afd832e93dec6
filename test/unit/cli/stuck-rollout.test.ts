import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { McpServerStatus, McpServerSummary } from "@mcp-fleet/lifecycle";

import type { StubApi } from "../../support/api-server";
import { type CliResult, mcpFleet } from "../../support/cli";
import { type Stuck, stuckServer } from "../../support/stuck-server";

describe("mcp-fleet with a rollout that hangs", function () {
  this.timeout(60_000);
  const directory = mkdtempSync(join(tmpdir(), "mcp-fleet-stuck-"));
  const file = join(directory, "kubeconfig");
  let api: StubApi;

  after(() => rmSync(directory, { recursive: true }));
  afterEach(() => api.die());

  const begin = async (stuck: Stuck): Promise<void> => {
    api = await stuckServer(stuck);
    writeFileSync(file, api.kubeconfig);
  };
  const run = (...args: string[]): Promise<CliResult> =>
    mcpFleet(args, { KUBECONFIG: file, COLUMNS: "100", NO_COLOR: "1" });

  const reasons: [Exclude<Stuck, "nothing">, RegExp][] = [
    ["image", /pod weather-mcp-2-new cannot pull its image \S+weather:2\.0\.0 \(ImagePullBackOff/],
    ["crash", /weather-mcp-2-new is in CrashLoopBackOff: its container mcp-server .*exit code 3/],
    ["schedule", /weather-mcp-2-new cannot be scheduled \(Unschedulable: 0\/3 nodes/],
    ["quota", /no pod can be made: .*exceeded quota: small/],
  ];
  for (const [stuck, reason] of reasons) {
    it(`says failed and why where the newest pod hangs at: ${stuck}`, async () => {
      await begin(stuck);
      const listed = await run("list", "-o", "json");
      assert.equal(listed.exitCode, 10);
      const [server] = JSON.parse(listed.stdout) as McpServerSummary[];
      assert.equal(server?.status, "failed");
      assert.match(server.reason ?? "", reason);
      const { stdout } = await run("list");
      assert.match(stdout, /weather +failed +1\/1 +http:\/\/10\.0\.0\.1:8000\n {6}\S/);
      for (const line of stdout.split("\n")) assert.ok(line.length <= 100, line);
      const status: unknown = JSON.parse((await run("status", "weather", "-o", "json")).stdout);
      assert.match((status as McpServerStatus).troubles.join("\n"), reason);
    });
  }

  it("shows the image that serves beside the one that cannot be pulled", async () => {
    await begin("image");
    const { stdout, exitCode } = await run("status", "weather");
    assert.equal(exitCode, 10);
    assert.match(stdout, /image wanted +registry\.example\.com\/tools\/weather:2\.0\.0/);
    assert.match(stdout, /image serving +registry\.example\.com\/tools\/weather:1\.0\.0 \(1 pod\)/);
  });

  it("prints the logs that there are, and a line about the pod without one", async () => {
    await begin("image");
    const { stdout, stderr, exitCode } = await run("logs", "weather");
    assert.equal(exitCode, 0, stderr);
    assert.deepEqual(stdout.split("\n"), [
      "weather-mcp-1-old listening on 8000",
      "weather-mcp-1-old GET /mcp 200",
    ]);
    assert.match(stderr, /^no log: pod weather-mcp-2-new cannot pull its image \S+ \(Image.*\)$/);
  });

  it("passes on what the API says of a log where the pod's status says nothing", async () => {
    await begin("schedule");
    const { stderr } = await run("logs", "weather", "--previous");
    assert.match(stderr, /no log: pod weather-mcp-2-new container .* is waiting to start/);
  });

  it("takes a server by its key, its Deployment and its Service, and suggests what is near", async () => {
    await begin("nothing");
    for (const name of ["weather", "weather-mcp", "weather-svc"]) {
      const { stdout, exitCode } = await run("status", name, "-o", "json");
      assert.equal(exitCode, 0, name);
      const status = JSON.parse(stdout) as McpServerStatus;
      assert.deepEqual(
        [status.name, status.workload, status.services, status.status, status.reason],
        ["weather", "weather-mcp", ["weather-svc"], "running", undefined],
      );
    }
    const near = await run("status", "wether-mcp");
    assert.equal(near.exitCode, 3);
    assert.match(near.stderr, /There is no server "wether-mcp"[^]*Did you mean "weather-mcp"\?/);
  });
});
