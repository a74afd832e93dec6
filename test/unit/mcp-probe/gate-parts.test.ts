import assert from "node:assert/strict";
import { getEventListeners, once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer, get, type RequestListener } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import { isUserError } from "@mcp-fleet/errors";
import { whileListening } from "@mcp-fleet/mcp-probe/dist/gate/connection";
import { Gate } from "@mcp-fleet/mcp-probe/dist/gate/gate";
import { serveGate } from "@mcp-fleet/mcp-probe/dist/gate/serve";
import { parseGate } from "@mcp-fleet/mcp-probe/dist/gate/settings";

import { Authority } from "./authority";

const host = "127.0.0.1";
const portOf = (server: Server): number => (server.address() as AddressInfo).port;

/** Answers initialize and tools/list with one tool. */
const mcp: RequestListener = (request, response) => {
  let text = "";
  request.on("data", (chunk: Buffer) => (text += chunk.toString()));
  request.on("end", () => {
    const { id, method } = JSON.parse(text) as { id?: number; method: string };
    if (id === undefined) return response.writeHead(202).end();
    const result =
      method === "initialize"
        ? {
            ...{ protocolVersion: "2025-06-18", capabilities: { tools: {} } },
            serverInfo: { name: "s", version: "1" },
          }
        : { tools: [{ name: "a", inputSchema: { type: "object" } }] };
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ jsonrpc: "2.0", id, result }));
  });
};

describe("mcp-probe gate: its parts", function () {
  this.timeout(20_000);
  const servers = new Set<Server>();
  const sockets = new Set<Socket>();
  const end = new Set<AbortController>();
  const listening = async (server: Server): Promise<Server> => {
    servers.add(server);
    server.on("connection", (socket) => sockets.add(socket));
    if (!server.listening) await once(server.listen(0, host), "listening");
    return server;
  };
  const follow = (server: Server, secure = false): AbortController => {
    const control = new AbortController();
    end.add(control);
    void whileListening({ host, port: portOf(server), secure }, control.signal).catch(
      () => undefined,
    );
    return control;
  };
  afterEach(() => {
    for (const one of end) one.abort();
    for (const one of sockets) one.destroy();
    for (const one of servers) one.close();
    for (const set of [end, sockets, servers]) set.clear();
  });

  it("leaves nothing of the connections that are over", async () => {
    let connections = 0;
    const server = await listening(
      createServer((socket) => {
        connections += 1;
        socket.destroy();
      }),
    );
    const { signal } = follow(server);
    while (connections < 5) await sleep(50);
    assert.ok(getEventListeners(signal, "abort").length <= 2);
  });

  it("leaves a server that serves one connection at a time to its clients", async () => {
    const web = createHttpServer({ keepAliveTimeout: 1 }, (_request, response) => {
      response.writeHead(200, { connection: "close" }).end();
    });
    let before: Promise<unknown> = Promise.resolve();
    const server = await listening(
      createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
        before = before.then(async () => {
          if (socket.destroyed) return;
          web.emit("connection", socket);
          socket.resume();
          await once(socket, "close");
        });
      }),
    );
    follow(server);
    await sleep(400);
    const request = get({ host, port: portOf(server), agent: false, timeout: 2000 });
    request.once("timeout", () => request.destroy(new Error("nobody is served")));
    const [response] = (await once(request, "response")) as [{ statusCode: number }];
    assert.equal(response.statusCode, 200);
  });

  it("answers the kubelet again soon after silent connections have taken every place", async () => {
    const state = { ready: true, alive: true, message: "It answers." };
    const server = await serveGate(0, () => state);
    await listening(server);
    const port = portOf(server);
    for (let count = 0; count < 64; count += 1) {
      const silent = connect(port, host);
      sockets.add(silent);
      await once(silent, "connect");
    }
    const ask = (): Promise<number | undefined> =>
      new Promise((resolve) => {
        get({ host, port, path: "/ready", agent: false }, ({ statusCode }) =>
          resolve(statusCode),
        ).on("error", () => resolve(undefined));
      });
    assert.equal(await ask(), undefined);
    await sleep(8000);
    assert.equal(await ask(), 200);
  });

  it("says that its port is taken", async () => {
    const state = { ready: true, alive: true, message: "It answers." };
    const first = await listening(await serveGate(0, () => state));
    await assert.rejects(
      serveGate(portOf(first), () => state),
      (error: Error) =>
        isUserError(error) && /^The gate cannot listen at port \d+: /.test(error.problem),
    );
  });

  it("takes the authority of a certificate as it is now, each time it asks", async () => {
    const [first, second] = [new Authority("first"), new Authority("second")];
    try {
      const names = "DNS:s.example.invalid";
      const server = createHttpsServer(first.sign({ names }), mcp);
      await listening(server);
      const settings = parseGate(
        JSON.stringify({
          target: {
            ...{ name: "s", url: `https://s.example.invalid:${portOf(server)}/mcp` },
            ...{ caFile: first.file, answerSeconds: 1 },
          },
          ...{ check: "always", port: 1, intervalSeconds: 0.05 },
        }),
        host,
      );
      const gate = new Gate(settings, () => undefined);
      const control = new AbortController();
      end.add(control);
      const running = gate.run(control.signal);
      while (!gate.state.ready) await sleep(20);
      server.setSecureContext(second.sign({ names }));
      while (gate.state.ready) await sleep(20);
      assert.match(gate.state.message, /certificate/);
      const renewed = second.certificate;
      rmSync(first.file);
      while (!/cannot be read/.test(gate.state.message)) await sleep(20);
      writeFileSync(first.file, renewed);
      while (!gate.state.ready) await sleep(20);
      control.abort();
      await running;
    } finally {
      first.remove();
      second.remove();
    }
  });

  it("takes no jump of the node's clock for a time without an answer", async () => {
    let answer: RequestListener = mcp;
    const server = await listening(
      createHttpServer((request, response) => void answer(request, response)),
    );
    const url = `http://s.example.invalid:${portOf(server)}/mcp`;
    const target = { name: "s", url, address: host, answerSeconds: 1 };
    const settings = {
      target,
      current: () => target,
      port: 1,
      intervalSeconds: 0.05,
      restartSeconds: 60,
    };
    const gate = new Gate({ ...settings, check: "always" }, () => undefined);
    const control = new AbortController();
    end.add(control);
    const running = gate.run(control.signal);
    while (!gate.state.ready) await sleep(20);
    const { now } = Date;
    try {
      let hours = 0;
      Date.now = () => now() + (hours += 1) * 3_600_000;
      answer = (_request, response) => void response.writeHead(500).end();
      while (gate.state.ready) await sleep(20);
    } finally {
      Date.now = now;
    }
    assert.equal(gate.state.alive, true);
    control.abort();
    await running;
  });

  it("closes for other tools than were agreed, and kills no process for them: the next would list the same", async () => {
    const server = await listening(createHttpServer(mcp));
    const url = `http://s.example.invalid:${portOf(server)}/mcp`;
    const target = { name: "s", url, address: host, answerSeconds: 1 };
    const lock = { tools: { agreed: {} }, additions: true };
    let asked = 0;
    const settings = {
      target,
      // The lock stands for a list that changes while the process runs.
      current: () => ((asked += 1) > 1 ? { ...target, lock } : target),
      ...{ port: 1, intervalSeconds: 0.05, restartSeconds: 0.1 },
    };
    const gate = new Gate({ ...settings, check: "always" }, () => undefined);
    const control = new AbortController();
    end.add(control);
    const running = gate.run(control.signal);
    while (!gate.state.ready) await sleep(20);
    while (gate.state.ready) await sleep(20);
    await sleep(1500);
    assert.ok(asked >= 4, String(asked));
    assert.match(gate.state.message, /lists agreed no more/);
    assert.deepEqual([gate.state.ready, gate.state.alive], [false, true]);
    control.abort();
    await running;
  });
});
