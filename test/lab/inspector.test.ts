import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import type { Change, McpServerSummary } from "@mcp-fleet/lifecycle";

import { type Cluster, ensureCluster } from "../../lab/cluster";
import { ensureImages } from "../../lab/images";
import { type Kube, openKube } from "../../lab/kube";
import { silentLog } from "../../lab/log";
import { type Inspect, type InspectorAnswer, openInspector } from "../support/inspector";
import { serverObjects } from "../support/servers";

const namespace = `inspector-${randomBytes(3).toString("hex")}`;
const server = "everything";
const token = randomBytes(16).toString("hex");

interface ToolAnswer<T> {
  readonly structuredContent?: T;
  readonly isError?: boolean;
}

/** `mcp-fleet serve` with an independent client, not made with the SDK that serves it. */
describe("cluster: the MCP inspector's command line", function () {
  this.timeout(2 * 60_000);
  let kube: Kube;
  let serve: readonly string[];
  let inspect: Inspect;
  let home: string;

  before(async function () {
    this.timeout(30 * 60_000); // the first run of all builds the cluster and the images
    home = mkdtempSync(join(tmpdir(), "mcp-fleet-inspector-"));
    const found = await openInspector(home);
    if (typeof found === "string") {
      process.stdout.write(`    skipped: ${found}\n`);
      this.skip();
    }
    inspect = found;
    const cluster: Cluster = await ensureCluster(silentLog);
    const { "llmctl-mcp": image } = await ensureImages(cluster, silentLog, ["llmctl-mcp"]);
    kube = await openKube(cluster);
    await kube.core.createNamespace({ body: { metadata: { name: namespace } } });
    await kube.apply(serverObjects({ name: server, namespace, image, replicas: 0 }));
    const where = ["--kubeconfig", cluster.kubeconfig, "--context", cluster.context];
    serve = [join("bin", "mcp-fleet.cjs"), "serve", "-n", namespace, ...where];
  });

  after(async () => {
    rmSync(home, { recursive: true, force: true });
    await kube?.core.deleteNamespace({ name: namespace });
  });

  /** Calls a tool, and returns its answer with its schema. */
  async function call<T>(
    target: readonly string[],
    tool: string,
    args: Record<string, string | number> = {},
    options: readonly string[] = [],
  ): Promise<ToolAnswer<T>> {
    const pairs = Object.entries(args).flatMap(([key, value]) => ["--tool-arg", `${key}=${value}`]);
    const method = ["--method", "tools/call", "--tool-name", tool, ...pairs];
    return done<ToolAnswer<T>>(await inspect([...options, ...method], target));
  }

  function done<T>({ exitCode, result, stderr }: InspectorAnswer): T {
    assert.equal(exitCode, 0, stderr);
    return result as T;
  }

  it("starts it itself, finds its schemas portable, and starts a server by it", async () => {
    const stdio = [process.execPath, ...serve];
    const { tools } = done<{ tools: { name: string }[] }>(
      await inspect(["--method", "tools/list", "--strict"], stdio),
    );
    assert.deepEqual(
      tools.map(({ name }) => name),
      ["list_mcp_servers", "get_mcp_status", "start_mcp", "scale_mcp", "stop_mcp"],
    );
    const started = await call<Change>(stdio, "start_mcp", { name: server, timeout: 60 });
    assert.equal(started.structuredContent?.status, "running");
  });

  it("reaches it over streamable HTTP with its token, and not without", async () => {
    const child = spawn(process.execPath, [...serve, "--http", "--port", "0"], {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, MCP_FLEET_TOKEN: token },
    });
    try {
      const http = [`http://127.0.0.1:${await portOf(child)}/mcp`];
      const refused = await inspect(["--transport", "http", "--method", "tools/list"], http);
      assert.notEqual(refused.exitCode, 0);
      assert.match(refused.stderr, /auth/);
      const bearer = ["--transport", "http", "--header", `Authorization: Bearer ${token}`];
      const listed = await call<{ servers: McpServerSummary[] }>(
        http,
        "list_mcp_servers",
        {},
        bearer,
      );
      assert.deepEqual(
        listed.structuredContent?.servers.map(({ name, status }) => [name, status]),
        [[server, "running"]],
      );
      const stopped = await call<Change>(http, "stop_mcp", { name: server }, bearer);
      assert.deepEqual(
        [stopped.structuredContent?.before, stopped.structuredContent?.after],
        [1, 0],
      );
      const unknown = await inspect(
        [...bearer, ...["--method", "tools/call", "--tool-name", "get_mcp_status"]].concat([
          ...["--tool-arg", "name=nobody"],
        ]),
        http,
      );
      assert.match(JSON.stringify(unknown), /There is no server/);
    } finally {
      child.kill();
    }
  });
});

/** The port in the first line of the log. */
async function portOf(child: ChildProcess): Promise<number> {
  assert.ok(child.stderr !== null);
  for await (const line of createInterface({ input: child.stderr })) {
    const { port } = JSON.parse(line) as { port?: number };
    if (port !== undefined) return port;
  }
  throw new Error("mcp-fleet serve did not listen");
}
