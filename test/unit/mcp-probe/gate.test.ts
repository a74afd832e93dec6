import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { isUserError } from "@mcp-fleet/errors";
import { parseGate } from "@mcp-fleet/mcp-probe/dist/gate/settings";

const cli = join(require.resolve("@mcp-fleet/mcp-probe"), "../cli.js");

/** A server of MCP with the tools of its argument; `hang` never answers initialize, `healthz` knows no MCP. */
const program = `
const [port, mode] = process.argv.slice(1);
const answers = {
  initialize: () => ({
    protocolVersion: "2025-06-18", capabilities: { tools: {} }, serverInfo: { name: "s", version: "1" },
  }),
  "tools/list": () => ({
    tools: mode.split(",").map((name) => ({ name, inputSchema: { type: "object" } })),
  }),
};
require("node:http").createServer(async (req, res) => {
  if (req.url === "/healthz") return res.end("ok");
  if (mode === "healthz") return res.writeHead(404).end();
  let text = "";
  for await (const chunk of req) text += chunk;
  if (mode === "hang" || req.method !== "POST") return;
  const { id, method } = JSON.parse(text);
  if (id === undefined) return res.writeHead(202).end();
  res.writeHead(200, { "content-type": "application/json" });
  res.end(JSON.stringify({ jsonrpc: "2.0", id, result: answers[method]() }));
}).listen(Number(port), "127.0.0.1");
`;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  return typeof address === "object" && address !== null ? address.port : 0;
}

describe("mcp-probe gate", function () {
  this.timeout(30_000);
  let port = 0;
  let gatePort = 0;
  const running = new Set<ChildProcess>();
  const start = (args: string[], env: NodeJS.ProcessEnv = {}): ChildProcess => {
    const child = spawn(process.execPath, args, { env: { ...process.env, ...env } });
    running.add(child);
    return child;
  };
  const end = async (child: ChildProcess): Promise<void> => {
    running.delete(child);
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  };
  beforeEach(async () => {
    [port, gatePort] = [await freePort(), await freePort()];
  });
  afterEach(() => Promise.all([...running].map(end)));

  const serve = (mode: string): ChildProcess => start(["-e", program, String(port), mode]);
  /** The gate of this server: its URL's name is known to no DNS, and the port of the pod is what is asked. */
  const gate = (more: object = {}, target: object = {}): ChildProcess =>
    start([cli, "gate"], {
      POD_IP: "127.0.0.1",
      MCP_PROBE_GATE: JSON.stringify({
        target: {
          ...{ name: "tools", url: `http://tools-mcp.example.invalid:${port}/mcp` },
          ...{ requiredTools: ["search"], answerSeconds: 1, ...target },
        },
        ...{ check: "start", port: gatePort, ...more },
      }),
    });
  const ask = async (path: string): Promise<[number, string]> => {
    const response = await fetch(`http://127.0.0.1:${gatePort}${path}`);
    return [response.status, (await response.text()).trim()];
  };
  /** Asks as the kubelet does, until the answer is the wanted one. @returns how long that took, in milliseconds */
  const until = async (path: string, status: number, message: RegExp): Promise<number> => {
    const started = Date.now();
    let last: unknown;
    while (Date.now() - started < 15_000) {
      const answer = await ask(path).catch((error: unknown) => error);
      last = answer;
      if (Array.isArray(answer) && answer[0] === status && message.test(String(answer[1])))
        return Date.now() - started;
      await sleep(50);
    }
    assert.fail(`${path} never was ${status} ${message}: ${String(last)}`);
  };

  it("is open once its server lists the tools, and prints so", async () => {
    const child = gate();
    await until("/ready", 503, /refuses the connection at the pod's own address/);
    serve("search,fetch");
    await until("/ready", 200, /speaks MCP 2025-06-18 and lists 2 tools\.$/);
    assert.equal((await ask("/live"))[0], 200);
    assert.equal((await ask("/metrics"))[0], 404);
    let log = "";
    child.stdout?.on("data", (chunk: Buffer) => (log += chunk.toString()));
    child.kill("SIGTERM");
    await once(child, "exit");
    assert.match(log, /^tools: http:\/\/tools-mcp\.example\.invalid:\d+\/mcp speaks MCP .*\n$/m);
    assert.equal(child.exitCode, 0);
  });

  it("stays closed and names what is wrong: a tool that is gone, no answer to initialize, a health check alone", async () => {
    gate();
    for (const [mode, problem] of [
      ["fetch,list", /lists 2 tools, but not search;/],
      ["hang", /did not answer|no answer|within 1 second/],
      ["healthz", /404/],
    ] as const) {
      const server = serve(mode);
      await until("/ready", 503, problem);
      assert.equal((await ask("/live"))[0], 200);
      await end(server);
    }
  });

  it("sees the end of its server's process at once, and asks the next one anew", async () => {
    const first = serve("search");
    gate();
    await until("/ready", 200, /1 tool/);
    await end(first);
    assert.ok((await until("/ready", 503, /process has ended|refuses/)) < 1500);
    serve("fetch");
    await until("/ready", 503, /but not search/);
  });

  it("closes while a server that has passed does not answer, and says that it is dead after the time for that", async () => {
    const server = serve("search");
    gate({ check: "always", intervalSeconds: 0.3, restartSeconds: 4 });
    await until("/ready", 200, /1 tool/);
    server.kill("SIGSTOP");
    await until("/ready", 503, /tools: /);
    assert.equal((await ask("/live"))[0], 200);
    await until("/live", 503, /tools: /);
    server.kill("SIGCONT");
    await until("/ready", 200, /1 tool/);
    assert.equal((await ask("/live"))[0], 200);
  });

  it("asks a server that has passed no more where it is asked at its start alone", async () => {
    const server = serve("search");
    gate({ intervalSeconds: 0.1 });
    await until("/ready", 200, /1 tool/);
    server.kill("SIGSTOP");
    await sleep(2500);
    assert.equal((await ask("/ready"))[0], 200);
  });

  it("ends at once when it is told to, also while a question has no answer", async () => {
    serve("hang");
    const child = gate({}, { answerSeconds: 20 });
    await until("/ready", 503, /./);
    // One question may have come before the server listened; the next one is under way.
    await sleep(2000);
    const told = Date.now();
    child.kill("SIGTERM");
    await once(child, "exit");
    assert.equal(child.exitCode, 0);
    assert.ok(Date.now() - told < 3000);
  });

  it("takes a time for the answer that is no whole number of milliseconds", async () => {
    serve("search");
    gate({}, { answerSeconds: 2.01 });
    await until("/ready", 200, /1 tool/);
  });

  it("refuses what it cannot read, and says what it needs", () => {
    const target = { name: "tools", url: "http://tools:8000/mcp" };
    const whole = { target, check: "start", port: 9901 };
    assert.equal(parseGate(JSON.stringify(whole), "10.0.0.7").target.address, "10.0.0.7");
    for (const [text, address] of [
      ["{", "10.0.0.7"],
      ["[]", "10.0.0.7"],
      [JSON.stringify({ ...whole, check: "never" }), "10.0.0.7"],
      [JSON.stringify({ ...whole, port: 0 }), "10.0.0.7"],
      [JSON.stringify({ ...whole, restartSeconds: -1 }), "10.0.0.7"],
      [JSON.stringify({ ...whole, target: { name: "tools" } }), "10.0.0.7"],
      [JSON.stringify(whole), ""],
      ["x".repeat(1024 * 1024 + 1), "10.0.0.7"],
    ] as const)
      assert.throws(() => parseGate(text, address), isUserError, text.slice(0, 80));
  });
});
