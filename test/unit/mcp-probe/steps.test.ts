import assert from "node:assert/strict";

import { probe, type ProbeOptions, type ProbeResult } from "@mcp-fleet/mcp-probe";

import { closeServers, type Handler, initialized, json, serve, toolNamed } from "./servers";

const quick: ProbeOptions = {
  deadlineSeconds: 1,
  requestTimeoutSeconds: 1,
  retryDelaySeconds: 0.02,
};

/** A server with sessions that is correct until its tools are requested. */
const untilTools =
  (lists: Handler, session = "s-1"): Handler =>
  (seen, req, res) => {
    const { id, method } = seen.body ?? {};
    if (seen.method === "DELETE") return res.writeHead(204).end();
    if (session !== "") res.setHeader("mcp-session-id", session);
    if (method === "initialize") return json(res, initialized(id));
    return id === undefined ? res.writeHead(202).end() : lists(seen, req, res);
  };

const listing =
  (result: object): Handler =>
  (seen, _req, res) =>
    json(res, { jsonrpc: "2.0", id: seen.body?.id, result });

async function asked(handler: Handler, path = "/mcp"): Promise<ProbeResult> {
  const server = await serve(handler, path);
  const result = await probe({ name: "own", url: server.url }, quick);
  assert.equal(result.ok, false);
  return result;
}

describe("mcp-probe explains by step and cause (issue 18, item 8)", () => {
  afterEach(closeServers);

  const lost: [string, Handler][] = [
    ["404", (_s, _q, res) => res.writeHead(404).end()],
    [
      "404 with a JSON-RPC error",
      (_s, _q, res) =>
        json(
          res,
          { jsonrpc: "2.0", id: null, error: { code: -32001, message: "Session not found" } },
          404,
        ),
    ],
    [
      "400 that names the session",
      (_s, _q, res) => res.writeHead(400).end("Bad Request: No valid session ID provided"),
    ],
  ];
  for (const [what, handler] of lost) {
    it(`${what} after a session was given: the session is not known to this replica`, async () => {
      const { message } = await asked(untilTools(handler));
      assert.match(message, /gave a session and does not know it at the next request \(HTTP 40\d/);
      assert.match(message, /run one replica, set sessionAffinity: ClientIP on its Service/);
      assert.doesNotMatch(message, /nothing is served/);
    });
  }

  it("404 without a session: nothing is served there", async () => {
    const { message } = await asked((_s, _q, res) => res.writeHead(404).end("Not Found"), "/mpc");
    assert.match(message, /HTTP 404 to initialize, saying "Not Found"; nothing is served at \/mpc/);
  });

  it("405 at /sse: it is the older transport's path", async () => {
    const { message } = await asked((_s, _q, res) => res.writeHead(405).end(), "/sse");
    assert.match(message, /HTTP\+SSE transport of 2024-11-05.*use the server's other path/);
  });

  const cut: readonly [string, string, RegExp][] = [
    ["405 to the GET that takes a stream up", "id: 1\nretry: 1", /rejects the GET that resumes it/],
    [
      "a later time than a request may take",
      "id: 1\nretry: 99999999999999",
      /1 seconds are the limit/,
    ],
    ["an event's id that is no header", "id: \u00e9\u0007\nretry: 1", /no HTTP header can contain/],
  ];
  for (const [what, fields, says] of cut) {
    it(`a stream that is cut: ${what}`, async () => {
      const { outcome, message } = await asked((seen, _q, res) => {
        if (seen.method === "GET") return res.writeHead(405).end();
        res.writeHead(200, { "content-type": "text/event-stream" });
        return res.end(`${fields}\ndata:\n\n`);
      });
      assert.equal(outcome, "not-mcp");
      assert.match(message, says);
    });
  }

  it("304 is no redirect, and a file is no place of this server", async () => {
    const same = await asked((_s, _q, res) => res.writeHead(304).end());
    assert.match(same.message, /answers HTTP 304 to initialize/);
    const file = await asked((_s, _q, res) =>
      res.writeHead(302, { location: "file:///etc/passwd" }).end(),
    );
    assert.match(file.message, /redirects \/mcp to file:\/\/\/etc\/passwd/);
  });

  it("quotes an error's text and data, cleaned and cut", async () => {
    const data = { detail: `token \u001b[31mmissing ${"x".repeat(500)}` };
    const error = { code: -32603, message: "backend\nis down", data };
    const { message } = await asked((seen, _q, res) =>
      json(res, { jsonrpc: "2.0", id: seen.body?.id, error }, 500),
    );
    assert.match(
      message,
      /HTTP 500 to initialize, saying "backend is down \(data: \{"detail":"token .*missing x+/,
    );
    assert.ok(message.length < 500 && !message.includes("\u001b"), message);
  });

  it("names the step at which a status came", async () => {
    const { message } = await asked(
      untilTools((_s, _q, res) => res.writeHead(406).end("Not Acceptable"), ""),
    );
    assert.match(message, /HTTP 406 to tools\/list, saying "Not Acceptable", though both of MCP's/);
  });

  const page = { tools: [toolNamed("a")] };
  const limits: [string, Handler, RegExp][] = [
    [
      "the answer's size",
      (_s, _q, res) =>
        res
          .writeHead(200, { "content-type": "application/json" })
          .end(`"${"x".repeat(5 * 1024 * 1024)}"`),
      /more than 4 MiB/,
    ],
    [
      "its depth",
      listing({ a: JSON.parse("[".repeat(70) + "]".repeat(70)) as unknown }),
      /deeper than 64/,
    ],
    [
      "its values",
      listing({ ...page, _meta: { a: Array.from({ length: 200_001 }, () => 0) } }),
      /more than 200000 values/,
    ],
    ["a name", listing({ tools: [toolNamed("n".repeat(300))] }), /more than 256 characters/],
    [
      "a cursor",
      listing({ ...page, nextCursor: "c".repeat(5000) }),
      /a cursor for the next page of more than 4096 characters/,
    ],
    [
      "a cursor that comes again",
      listing({ ...page, nextCursor: "c" }),
      /page 2 names a cursor that an earlier one had/,
    ],
  ];
  for (const [what, lists, message] of limits) {
    it(`names the limit of ${what} with its number`, async () => {
      assert.match((await asked(untilTools(lists))).message, message);
    });
  }

  it("says where HTML, an error beside a result, and 202 come instead of an answer", async () => {
    const html = await asked((_s, _q, res) =>
      res.writeHead(200, { "content-type": "text/html" }).end("<h1>Welcome</h1>"),
    );
    assert.match(html.message, /HTTP 200 with content type text\/html where MCP has JSON/);
    const both = await asked((seen, _q, res) =>
      json(res, { ...initialized(seen.body?.id), error: { code: 1, message: "x" } }),
    );
    assert.match(both.message, /answers with a result and an error in one answer/);
    const accepted = await asked((_s, _q, res) => res.writeHead(202).end());
    assert.match(accepted.message, /answers a request with HTTP 202 and no body/);
  });
});
