import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type CliResult, mcpFleet } from "../../support/cli";
import { oddShapes } from "../../support/odd-shapes";
import { seen } from "../../support/odd-shapes-seen";
import { stubNamespace, type StubWrites } from "../../support/stub-namespace";

describe("mcp-fleet over servers that it did not make", function () {
  this.timeout(60_000);
  const directory = mkdtempSync(join(tmpdir(), "mcp-fleet-odd-"));
  const file = join(directory, "kubeconfig");
  let stub: StubWrites;

  before(async () => {
    stub = await stubNamespace(seen(oddShapes("n", { server: "everything:1" })));
    writeFileSync(file, stub.api.kubeconfig);
  });
  after(() => {
    stub.api.die();
    rmSync(directory, { recursive: true });
  });
  const run = (...args: string[]): Promise<CliResult> =>
    mcpFleet(args, { KUBECONFIG: file, COLUMNS: "100", NO_COLOR: "1" });

  it("list shows below each server what is in the way", async () => {
    const { stdout, exitCode } = await run("list");
    assert.equal(exitCode, 10);
    const flat = stdout.replace(/\s+/g, " ");
    assert.match(
      flat,
      /paused pending 0\/1 \S+ 0 of 1 replica on the newest template, and its rollout is paused its rollout is paused, until: kubectl rollout resume deployment\/paused -n n /,
    );
    assert.match(flat, /scaled running 2\/2 \S+ HorizontalPodAutoscaler scaled-by-load keeps it/);
    assert.match(
      flat,
      /init-crash failed 0\/1 \S+ pod \S+ is in CrashLoopBackOff: its init container/,
    );
    for (const line of stdout.split("\n")) assert.ok(line.length <= 100, line);
  });

  it("status shows the end of the failing container's log, without what looks like a credential", async () => {
    const { stdout, exitCode } = await run("status", "init-crash");
    assert.equal(exitCode, 10);
    assert.match(
      stdout,
      /trouble +pod init-crash-1-x is in CrashLoopBackOff: [^]*last lines +of container wait-for-db in pod init-crash-1-x:\n +no license found\n/,
    );
    const waiting = await run("status", "waiting");
    assert.match(waiting.stdout, /waits for its init container wait-for-db, which is running/);
    assert.match(waiting.stdout, /waiting for the database at postgres:\/\/\*\*\*@db\/x/);
    assert.doesNotMatch(waiting.stdout, /s3cret/);
    const kept = await run("status", "kept");
    assert.match(kept.stdout, /StatefulSet +kept\n +Services +kept-http, kept\n/);
    assert.match(
      kept.stdout,
      /URL in the cluster +http:\/\/kept-http\.n\.svc\.cluster\.local:80\/mcp/,
    );
  });

  it("logs are those of the init container that a pod waits for, and it is said", async () => {
    const { stdout, stderr, exitCode } = await run("logs", "init-crash");
    assert.equal(exitCode, 0, stderr);
    assert.equal(stdout, "init-crash-1-x no license found");
    assert.match(stderr, /^an init container's log: pod init-crash-1-x is in CrashLoopBackOff/);
  });

  it("scale names the autoscaler that would undo it, and leaves the server alone", async () => {
    const { stderr, exitCode } = await run("scale", "scaled", "7");
    assert.equal(exitCode, 1);
    assert.match(
      stderr,
      /would undo 7\.\nChange its bounds first: kubectl patch hpa scaled-by-load/,
    );
    const within = await run("scale", "scaled", "3");
    assert.equal(within.exitCode, 0);
    assert.match(within.stdout, /^scaled: replicas 2 -> 3; /);
    assert.match(
      within.stderr,
      /^in the way: HorizontalPodAutoscaler scaled-by-load keeps it at 2 to 4/,
    );
    assert.equal(stub.writes.filter((one) => one.startsWith("PATCH")).length, 1);
  });

  it("mcp-json holds what can be called, and says what is left out and why", async () => {
    const { stdout, stderr, exitCode } = await run("mcp-json");
    assert.equal(exitCode, 0, stderr);
    const { mcpServers } = JSON.parse(stdout) as { mcpServers: Record<string, { url: string }> };
    assert.equal(mcpServers.shop?.url, "http://shop.n.svc.cluster.local:80/mcp");
    assert.equal(mcpServers.blue, undefined);
    assert.equal(mcpServers.headless?.url, "http://headless.n.svc.cluster.local:9020/mcp");
    assert.match(
      stderr,
      /left out: external: no Service selects its pods; Service external is an ExternalName/,
    );
    assert.equal(stderr.match(/^left out: /gm)?.length, 5);
  });
});
