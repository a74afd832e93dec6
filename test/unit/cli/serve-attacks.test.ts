import assert from "node:assert/strict";
import { once } from "node:events";
import { request, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { text as textOf } from "node:stream/consumers";

import type { Kube } from "@mcp-fleet/kube";
import { listen, type Listening, type ManagerPolicy } from "@mcp-fleet/manager";
import pino from "pino";

import { sendJson, type StubApi, stubApi } from "../../support/api-server";

const token = "s3cret-token-of-the-manager";
const bearer = { authorization: `Bearer ${token}` };
const accept = {
  "content-type": "application/json",
  accept: "application/json, text/event-stream",
};
const everything: ManagerPolicy = { allowForceStop: true, allowScaleToZero: true };
const log = pino({ level: "silent" });

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** A stopped Deployment, and a terminating pod of it. */
function deployment(name: string): object {
  const labels = { "app.kubernetes.io/component": "mcp-server", app: name };
  return {
    metadata: { name, namespace: "n", uid: "u", resourceVersion: "5", labels },
    spec: { replicas: 0, selector: { matchLabels: labels }, template: { metadata: { labels } } },
    status: {},
  };
}

const podOf = (name: string, set: string): object => ({
  metadata: {
    ...{ name, namespace: "n", uid: `uid-of-${name}`, resourceVersion: "5" },
    labels: { "pod-template-hash": "abc", app: "x" },
    ownerReferences: [
      { kind: "ReplicaSet", name: set, controller: true, apiVersion: "v1", uid: "r" },
    ],
  },
  status: { phase: "Running" },
});

describe("mcp-fleet serve under attack (issue 16, item 10)", () => {
  let api: StubApi;
  let kube: Kube;
  let running: Listening;
  let held: ServerResponse[];
  let holding: boolean;
  let deleted: { path: string; body: string }[];

  before(async () => {
    api = await stubApi((incoming, response, url) => {
      const [, name] = /\/deployments\/(\w+)/.exec(url.pathname) ?? [];
      if (holding) return void held.push(response);
      if (incoming.method === "DELETE")
        return void textOf(incoming).then((body) => {
          deleted.push({ path: url.pathname, body });
          sendJson(response, 200, {});
        });
      if (name !== undefined) return sendJson(response, 200, deployment(name));
      if (url.pathname.includes("/statefulsets/")) return sendJson(response, 404, {});
      if (url.pathname.endsWith("autoscalers")) return sendJson(response, 200, { items: [] });
      if (url.pathname.endsWith("/pods") && url.searchParams.get("watch") === null) {
        const items =
          deleted.length > 0 ? [] : [podOf("x-abc-1", "x-abc"), podOf("y-abc-1", "y-abc")];
        return sendJson(response, 200, { metadata: { resourceVersion: "5" }, items });
      }
      // A watch that reports nothing and ends.
      response.writeHead(200).end();
    });
    kube = await api.kube();
  });
  after(() => api.die());
  beforeEach(() => {
    held = [];
    deleted = [];
    holding = false;
  });
  afterEach(() => running.close());

  const start = async (policy = everything): Promise<void> => {
    running = await listen(
      { version: "1.2.3", kube, policy, log },
      { host: "127.0.0.1", port: 0, token },
    );
  };
  const ask = (body: string, headers: Record<string, string> = {}): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const sent = request(
        {
          host: "127.0.0.1",
          port: running.port,
          path: "/mcp",
          method: "POST",
          headers: { ...accept, ...headers },
        },
        (answer) =>
          void textOf(answer).then((text) =>
            resolve({
              status: answer.statusCode ?? 0,
              type: answer.headers["content-type"] ?? "",
              body: text,
            }),
          ),
      );
      sent.on("error", reject).end(body);
    });
  const call = (name: string, args: object): string =>
    JSON.stringify({
      jsonrpc: "2.0",
      id: 1,
      method: "tools/call",
      params: { name, arguments: args },
    });
  const isError = ({ type, body }: Answer): boolean => {
    const { jsonrpc, error } = JSON.parse(body) as { jsonrpc: string; error: { code: number } };
    assert.ok(!/node_modules|\n\s+at |<html|\/dist\//i.test(body), body);
    return type === "application/json" && jsonrpc === "2.0" && Number.isInteger(error.code);
  };

  it("asks for the token before it reads a body, and answers in JSON whatever comes", async () => {
    await start();
    const bodies = ["{", "", "[]", "null", "7", `[${"1,".repeat(20_000)}1]`, "[".repeat(1000)];
    for (const body of [...bodies, "x".repeat(600_000), call("start_mcp", { name: "x" })]) {
      const without = await ask(body).catch(() => undefined);
      // If the client is still sending when the answer arrives, it may see only the end of the connection.
      assert.ok(
        without === undefined || (without.status === 401 && isError(without)),
        body.slice(0, 9),
      );
    }
    for (const body of [...bodies, `"${"x".repeat(300_000)}"`]) {
      const answer = await ask(body, bearer);
      assert.ok([400, 413].includes(answer.status), `${answer.status} ${body.slice(0, 9)}`);
      assert.ok(isError(answer));
    }
    const wrong = await ask("{}", { ...bearer, "content-type": "text/html" });
    assert.ok(wrong.status >= 400 && isError(wrong));
    const raw = connect(running.port, "127.0.0.1");
    raw.write("GET\r\n\r\n");
    const [head = "", body = ""] = (await textOf(raw)).split("\r\n\r\n");
    assert.match(head, /^HTTP\/1\.1 400 /);
    assert.ok(isError({ status: 400, type: "application/json", body }));
  });

  it("refuses the pages of other origins, and several messages in one", async () => {
    await start();
    for (const origin of ["https://evil.example", "http://127.0.0.1.evil.example", "null", "x"]) {
      const answer = await ask(call("list_mcp_servers", {}), { ...bearer, origin });
      assert.equal(answer.status, 403, origin);
      assert.ok(isError(answer));
    }
    const own = { ...bearer, origin: `http://localhost:${running.port}` };
    assert.equal((await ask(call("get_mcp_status", { name: "x" }), own)).status, 200);
    const many = await ask(`[${call("list_mcp_servers", {})}]`, bearer);
    assert.equal(many.status, 400);
  });

  it("answers 32 calls at once, and refuses a thousand more without holding them", async function () {
    this.timeout(60_000);
    await start();
    holding = true;
    const before = process.memoryUsage.rss();
    const waiting = Array.from({ length: 32 }, () => ask(call("start_mcp", { name: "x" }), bearer));
    // Each call reads the Deployment and the StatefulSet of that name.
    while (held.length < 2 * 32) await new Promise((resolve) => setTimeout(resolve, 5));
    for (let round = 0; round < 20; round += 1) {
      const more = await Promise.all(
        Array.from({ length: 50 }, () => ask(call("start_mcp", { name: "x" }), bearer)),
      );
      assert.ok(more.every((answer) => answer.status === 503 && isError(answer)));
    }
    assert.equal(held.length, 2 * 32);
    const grown = (process.memoryUsage.rss() - before) / 1024 / 1024;
    assert.ok(grown < 150, `${Math.round(grown)} MiB`);
    holding = false;
    for (const response of held) sendJson(response, 404, { message: "gone" });
    for (const { status } of await Promise.all(waiting)) assert.equal(status, 200);
    assert.equal((await ask(call("get_mcp_status", { name: "x" }), bearer)).status, 200);
  });

  it("changes the servers that it is told of, and ends only their pods, each the one it saw", async () => {
    await start({ ...everything, servers: ["x"] });
    for (const [tool, args] of [
      ["stop_mcp", { name: "y", force: true }],
      ["start_mcp", { name: "y" }],
      ["scale_mcp", { name: "y", replicas: 0 }],
    ] as const) {
      const { body } = await ask(call(tool, args), bearer);
      assert.match(body, /\\"y\\" is not one that this manager changes/, tool);
    }
    assert.deepEqual(
      api.asked,
      api.asked.filter((path) => !path.includes("/deployments/y/") && !path.includes("/pods")),
    );
    await ask(call("stop_mcp", { name: "x", force: true, timeout: 1 }), bearer);
    assert.deepEqual(
      deleted.map(({ path }) => path),
      ["/api/v1/namespaces/n/pods/x-abc-1"],
    );
    const { preconditions, gracePeriodSeconds } = JSON.parse(deleted[0]?.body ?? "{}") as {
      preconditions?: { uid?: string };
      gracePeriodSeconds?: number;
    };
    assert.deepEqual([preconditions?.uid, gracePeriodSeconds], ["uid-of-x-abc-1", 0]);
  });

  it("takes a client that sends slowly for what it is", async () => {
    await start();
    const slow = connect(running.port, "127.0.0.1");
    await once(slow, "connect");
    slow.write(`POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99\r\n\r\n{`);
    // Without a token nothing waits for its body.
    assert.match(String((await once(slow, "data"))[0]), /^HTTP\/1\.1 401 /);
    slow.destroy();
  });
});
