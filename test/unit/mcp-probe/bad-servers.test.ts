import assert from "node:assert/strict";

import { probe, probeAll, type ProbeOptions } from "@mcp-fleet/mcp-probe";

import { closeServers, type Handler, initialized, json, serve, toolNamed } from "./servers";

const quick: ProbeOptions = {
  deadlineSeconds: 1,
  requestTimeoutSeconds: 0.4,
  retryDelaySeconds: 0.05,
};

/** A server that speaks MCP and lists these tools. */
const working =
  (tools: readonly string[]): Handler =>
  (seen, _req, res) => {
    const { id, method } = seen.body ?? {};
    if (method === "initialize") return json(res, initialized(id));
    if (id === undefined) return res.writeHead(202).end();
    return json(res, { jsonrpc: "2.0", id, result: { tools: tools.map(toolNamed) } });
  };

describe("mcp-probe against servers that are not right", () => {
  afterEach(closeServers);

  it("names both paths of a redirect and does not follow it", async () => {
    const server = await serve((_seen, _req, res) =>
      res.writeHead(307, { location: "/mcp/" }).end(),
    );
    const result = await probe({ name: "atlassian", url: server.url }, quick);
    assert.equal(result.outcome, "redirect");
    assert.match(result.message, /^atlassian: .* redirects \/mcp to \/mcp\/ \(HTTP 307\); .*\.$/);
    assert.equal(result.attempts, 1);
    assert.deepEqual(server.asked(), ["POST initialize"]);
  });

  it("refuses 401 unless clients bring their own credentials", async () => {
    const challenge = { "www-authenticate": 'Bearer resource_metadata="http://x/.well-known"' };
    const server = await serve((_seen, _req, res) => res.writeHead(401, challenge).end());
    const refused = await probe({ name: "github", url: server.url }, quick);
    assert.equal(refused.ok, false);
    assert.equal(refused.outcome, "auth-required");
    assert.match(
      refused.message,
      /HTTP 401 \(WWW-Authenticate: Bearer resource_metadata=.*per-request/,
    );
    const allowed = await probe({ name: "github", url: server.url, auth: "per-request" }, quick);
    assert.equal(allowed.ok, true);
    assert.equal(allowed.outcome, "auth-required");
    assert.equal(allowed.tools, undefined);
    assert.equal(server.seen.length, 2);
  });

  for (const status of [421, 403]) {
    it(`says that the Host check refuses the Service's name (${status})`, async () => {
      const server = await serve((_seen, _req, res) =>
        res.writeHead(status).end("Invalid Host header"),
      );
      const result = await probe({ name: "own", url: server.url, auth: "per-request" }, quick);
      assert.equal(result.ok, false);
      assert.equal(result.outcome, "http-error");
      assert.match(result.message, /refuses the Host header "127\.0\.0\.1:\d+".*0\.0\.0\.0/);
    });
  }

  it("gives up on a server that hangs, without holding up the others", async () => {
    const hanging = await serve(() => undefined);
    const fine = await serve(working(["a"]));
    const finished: string[] = [];
    const results = await probeAll(
      [
        { name: "hanging", url: hanging.url },
        { name: "fine", url: fine.url },
      ],
      { ...quick, concurrency: 2 },
      ({ name }) => finished.push(name),
    );
    assert.deepEqual(finished, ["fine", "hanging"]);
    assert.deepEqual(
      results.map(({ name, outcome }) => [name, outcome]),
      [
        ["hanging", "timeout"],
        ["fine", "ok"],
      ],
    );
    assert.match(
      results[0]?.message ?? "",
      /no answer within 0\.4 seconds, the limit of one request; .*NetworkPolicy.*attempts in/,
    );
  });

  it("gives a server the time that its start takes, and never asks it again meanwhile", async () => {
    let asked = 0;
    const server = await serve((seen, req, res) => {
      asked += 1;
      // Like a bridge that starts a process for each client, on a busy machine: slower than the default limit.
      setTimeout(() => working(["a"])(seen, req, res), asked === 1 ? 700 : 0);
    });
    const target = { name: "slow", url: server.url };
    const patient = await probe({ ...target, answerSeconds: 5 }, { requestTimeoutSeconds: 0.4 });
    assert.deepEqual([patient.outcome, patient.attempts], ["ok", 1]);
    asked = 0;
    const cut = await probe({ ...target, answerSeconds: 5 }, { deadlineSeconds: 0.4 });
    assert.equal(cut.outcome, "timeout");
    assert.match(cut.message, /no answer within 0\.4 seconds, the deadline;/);
  });

  it("keeps to the deadline when an event stream never ends", async () => {
    const server = await serve((_seen, _req, res) => {
      res.writeHead(200, { "content-type": "text/event-stream" }).write(": still here\n\n");
    });
    const result = await probe({ name: "open", url: server.url }, quick);
    assert.equal(result.outcome, "timeout");
  });

  it("takes the answer from an event stream that stays open, among other messages", async () => {
    const server = await serve((seen, req, res) => {
      if (seen.body?.method !== "initialize") return working(["a"])(seen, req, res);
      res.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
      res.write('id: 1\ndata:\n\ndata: {"jsonrpc":"2.0","id":1,"method":"ping"}\n\n');
      res.write(`event: message\ndata: ${JSON.stringify(initialized(seen.body.id))}\n\n`);
    });
    const result = await probe({ name: "open", url: server.url }, quick);
    assert.equal(result.ok, true, result.message);
  });

  const wrong: [string, Handler, RegExp][] = [
    [
      "HTML",
      (_s, _q, res) => res.writeHead(200, { "content-type": "text/html" }).end("<h1>Welcome</h1>"),
      /HTTP 200 with content type text\/html where MCP has JSON/,
    ],
    [
      "no JSON",
      (_s, _q, res) => res.writeHead(200, { "content-type": "application/json" }).end("{"),
      /a text that is no JSON/,
    ],
    [
      "another id",
      (_s, _q, res) => json(res, initialized(77)),
      /a JSON-RPC answer whose id is not our request's/,
    ],
    [
      "an unknown version",
      (s, _q, res) =>
        json(res, { jsonrpc: "2.0", id: s.body?.id, result: { protocolVersion: "1999-01-01" } }),
      /protocol version "1999-01-01", which is none of/,
    ],
    [
      "an empty stream",
      (_s, _q, res) => res.writeHead(200, { "content-type": "text/event-stream" }).end(),
      /ends its event stream without an answer/,
    ],
  ];
  for (const [what, handler, message] of wrong) {
    it(`calls ${what} not MCP`, async () => {
      const server = await serve(handler);
      const result = await probe({ name: "odd", url: server.url }, quick);
      assert.equal(result.outcome, "not-mcp");
      assert.match(result.message, message);
      assert.equal(result.attempts, 3);
    });
  }

  it("quotes what the server says to a 400, and asks no GET anywhere", async () => {
    const error = { code: -32000, message: "Bad Request: Server not initialized" };
    const server = await serve((_seen, _req, res) =>
      json(res, { jsonrpc: "2.0", id: null, error }, 400),
    );
    const result = await probe({ name: "old", url: server.url }, quick);
    assert.equal(result.outcome, "http-error");
    assert.match(
      result.message,
      /HTTP 400 to initialize, saying "Bad Request: Server not initialized"/,
    );
    assert.equal(server.seen.filter(({ method }) => method === "GET").length, 0);
  });

  it("fails on too few tools and on a missing one", async () => {
    const empty = await serve(working([]));
    const none = await probe({ name: "atlassian", url: empty.url }, quick);
    assert.equal(none.outcome, "missing-tools");
    assert.match(none.message, /lists 0 tools where at least 1 must be; its credentials/);
    assert.equal(none.attempts, 1);
    const server = await serve(working(["a"]));
    const missing = await probe({ name: "x", url: server.url, requiredTools: ["a", "b"] }, quick);
    assert.match(missing.message, /lists 1 tool, but not b;/);
    assert.equal((await probe({ name: "x", url: empty.url, minTools: 0 }, quick)).ok, true);
  });

  it("takes a refusal as no tools where none are advertised, and only there", async () => {
    const refusing =
      (capabilities: object): Handler =>
      (seen, _req, res) => {
        const { id, method } = seen.body ?? {};
        if (id === undefined) return res.writeHead(202).end();
        if (method === "initialize") return json(res, initialized(id, capabilities));
        return json(res, { jsonrpc: "2.0", id, error: { code: -32601, message: "not found" } });
      };
    const prompts = { name: "prompts", url: (await serve(refusing({ prompts: {} }))).url };
    const none = await probe(prompts, quick);
    assert.equal(none.outcome, "missing-tools");
    assert.match(none.message, /has no list of tools where at least 1 must be/);
    assert.equal((await probe({ ...prompts, minTools: 0 }, quick)).ok, true);
    const liar = { name: "liar", url: (await serve(refusing({ tools: {} }))).url, minTools: 0 };
    assert.match((await probe(liar, quick)).message, /answers tools\/list with the error -32601/);
  });

  it("reads all pages, and stops where they do not end", async () => {
    const paged =
      (last: number): Handler =>
      (seen, req, res) => {
        const { id, method, params } = seen.body ?? {};
        if (method !== "tools/list") return working([])(seen, req, res);
        const page = Number(params?.cursor ?? 0);
        const next = page < last ? { nextCursor: String(page + 1) } : {};
        return json(res, {
          jsonrpc: "2.0",
          id,
          result: { tools: [toolNamed(`t${page}`)], ...next },
        });
      };
    const three = await serve(paged(2));
    assert.deepEqual((await probe({ name: "p", url: three.url }, quick)).tools, ["t0", "t1", "t2"]);
    const endless = await serve(paged(Infinity));
    const result = await probe({ name: "p", url: endless.url }, { ...quick, deadlineSeconds: 10 });
    assert.match(result.message, /pages that do not end: 100 were read/);
  });

  it("asks again while a server starts", async () => {
    let requests = 0;
    const server = await serve((seen, req, res) => {
      requests += 1;
      return requests <= 4 ? res.writeHead(503).end() : working(["a"])(seen, req, res);
    });
    const result = await probe({ name: "slow", url: server.url }, quick);
    assert.equal(result.ok, true, result.message);
    assert.equal(result.attempts, 5);
  });

  it("shows no header value and no query string, even where the server echoes them", async () => {
    const secret = "ghp_0123456789abcdef";
    const server = await serve(({ headers, path }, _req, res) =>
      res.writeHead(500).end(`no access for ${String(headers.authorization)} at ${path}\u001b[31m`),
    );
    const target = { name: "s", url: server.url, headers: { Authorization: `Bearer ${secret}` } };
    const result = await probe(target, quick);
    assert.match(result.message, /HTTP 500 to initialize, saying "no access for \*\*\* at/);
    assert.ok(!JSON.stringify(result).includes(secret));
    assert.ok(!result.message.includes("\u001b"));
    const query = await probe({ name: "q", url: `${server.url}?token=${secret}` }, quick);
    assert.equal(query.url, server.url);
    const invalid = await probe(
      { ...target, headers: { Authorization: `${secret}\n` + "é\u0100" } },
      quick,
    );
    assert.match(
      invalid.message,
      /header "Authorization" configured for it is not a valid HTTP header/,
    );
    assert.ok(!JSON.stringify(invalid).includes(secret));
  });

  it("shows no header value that a server puts into its name, its version or its tools", async () => {
    const [token, login] = ["ghp_0123456789abcdef", "robot:hunter2-hunter2"];
    const headers = {
      Authorization: `Bearer ${token}`,
      "Proxy-Authorization": `Basic ${Buffer.from(login).toString("base64")}`,
      "X-Mode": "search",
    };
    const names = ["web_search", `use_${token}`, "hunter2-hunter2", login];
    const server = await serve((seen, req, res) => {
      const { id, method } = seen.body ?? {};
      if (method !== "initialize") return working(names)(seen, req, res);
      const serverInfo = { name: `for ${token}`, version: login };
      const result = { protocolVersion: "2025-11-25", capabilities: { tools: {} }, serverInfo };
      return json(res, { jsonrpc: "2.0", id, result });
    });
    const result = await probe({ name: "s", url: server.url, headers }, quick);
    assert.deepEqual(result.tools, ["web_search", "use_***", "***", "***"]);
    assert.deepEqual([result.serverName, result.serverVersion], ["for ***", "***"]);
    for (const [type, body] of [
      [`text/${token}`, "x"],
      [
        "application/json",
        JSON.stringify({ jsonrpc: "2.0", id: 1, result: { protocolVersion: token } }),
      ],
    ] as const) {
      const odd = await serve((_seen, _req, res) =>
        res.writeHead(200, { "content-type": type }).end(body),
      );
      const said = await probe({ name: "odd", url: odd.url, headers }, quick);
      assert.equal(said.outcome, "not-mcp");
      assert.ok(!JSON.stringify(said).includes(token), said.message);
    }
  });

  it("shows none without the name that stands before it", async () => {
    const headers = { Authorization: 'Token token="s3cret-rails", nonce=s3cret-nonce' };
    const server = await serve((_seen, _req, res) =>
      res.writeHead(500, { "content-type": "text/plain" }).end("no s3cret-rails, no s3cret-nonce"),
    );
    const { message } = await probe({ name: "s", url: server.url, headers }, quick);
    assert.match(message, /saying "no \*\*\*, no \*\*\*"/);
  });

  it("says that headers are too long", async () => {
    const server = await serve((_seen, _req, res) => res.end());
    const headers = { "X-Long": "y".repeat(20_000) };
    const { message } = await probe({ name: "s", url: server.url, headers }, quick);
    assert.match(message, /answers HTTP 431 to initialize; the headers that are configured for it/);
  });

  it("says what is wrong with an address", async () => {
    const closed = await serve(() => undefined);
    await closeServers();
    const refused = await probe({ name: "c", url: closed.url }, quick);
    assert.equal(refused.outcome, "unreachable");
    assert.match(refused.message, /refuses the connection; no ready pod is behind the Service/);
    assert.ok(refused.attempts > 3);
    const unknown = await probe({ name: "n", url: "http://no-such.invalid/mcp" }, quick);
    assert.match(unknown.message, /does not resolve from here|name server gave no answer/);
    const noUrl = await probe({ name: "u", url: "mcp.example" }, quick);
    assert.match(noUrl.message, /its url is not an http:\/\/ or https:\/\/ URL\.$/);
    const blocked = await probe({ name: "b", url: "http://127.0.0.1:10080/mcp" }, quick);
    assert.match(blocked.message, /its port is one that the fetch standard blocks/);
    const inUrl = await probe({ name: "u", url: "http://me:secret@127.0.0.1:1/mcp" }, quick);
    assert.ok(!JSON.stringify(inUrl).includes("secret"));
  });
});
