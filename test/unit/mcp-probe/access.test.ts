import assert from "node:assert/strict";

import { probe, type ProbeOptions, type ProbeTarget } from "@mcp-fleet/mcp-probe";

import { closeServers, type Handler, json, serve } from "./servers";

const quick: ProbeOptions = {
  deadlineSeconds: 1,
  requestTimeoutSeconds: 0.4,
  retryDelaySeconds: 0.02,
};

/** Answers every POST with this, and GET with 404. */
const refusing =
  (status: number, body: string | object, headers: Record<string, string> = {}): Handler =>
  (_seen, req, res) => {
    if (req.method === "GET") return res.writeHead(404).end();
    if (typeof body === "object") {
      res.writeHead(status, { "content-type": "application/json", ...headers });
      return res.end(JSON.stringify(body));
    }
    return res.writeHead(status, { "content-type": "text/plain", ...headers }).end(body);
  };

const rpc = (code: number, message: string): object => ({
  jsonrpc: "2.0",
  id: null,
  error: { code, message },
});

async function asked(handler: Handler, target: Partial<ProbeTarget> = {}) {
  const server = await serve(handler);
  const result = await probe({ name: "own", url: server.url, ...target }, quick);
  return { ...result, server };
}

describe("mcp-probe reads 401 and 403 under auth: per-request (issue 18, item 7)", () => {
  afterEach(closeServers);
  const perRequest = { auth: "per-request" } as const;

  const own: [string, Handler, RegExp][] = [
    [
      "a WWW-Authenticate",
      refusing(401, "", { "www-authenticate": 'Bearer resource_metadata="http://x/"' }),
      /HTTP 401 \(WWW-Authenticate: Bearer resource_metadata=/,
    ],
    [
      "403 with a WWW-Authenticate that wants more scope",
      refusing(403, "", { "www-authenticate": 'Bearer error="insufficient_scope"' }),
      /HTTP 403 \(WWW-Authenticate: Bearer error=/,
    ],
    [
      "a JSON-RPC error",
      refusing(401, rpc(-32001, "Authentication required")),
      /HTTP 401 \(no WWW-Authenticate, but a JSON-RPC error\)/,
    ],
    [
      "the metadata of a protected resource",
      (seen, req, res) =>
        req.method === "GET" && seen.path === "/.well-known/oauth-protected-resource/mcp"
          ? json(res, { resource: "http://own/mcp", authorization_servers: ["http://idp"] })
          : res.writeHead(401).end(),
      /HTTP 401 \(protected-resource metadata at \/\.well-known\/oauth-protected-resource\/mcp\)/,
    ],
  ];
  for (const [what, handler, message] of own) {
    it(`passes for ${what}`, async () => {
      const result = await asked(handler, perRequest);
      assert.deepEqual([result.ok, result.outcome], [true, "auth-required"], result.message);
      assert.match(result.message, message);
      assert.equal(result.tools, undefined);
    });
  }

  const others: [string, Handler, RegExp][] = [
    [
      "a mesh's authorization policy",
      refusing(403, "RBAC: access denied", { server: "istio-envoy" }),
      /saying "RBAC: access denied"; an authorization policy of the service mesh refuses/,
    ],
    [
      "a mesh that wants a token, though it has a WWW-Authenticate",
      refusing(401, "Jwt is missing", { "www-authenticate": 'Bearer realm="http://own/mcp"' }),
      /saying "Jwt is missing"; the service mesh requires a token/,
    ],
    [
      "a firewall's page",
      (_s, _q, res) => res.writeHead(403, { "content-type": "text/html" }).end("<h1>Blocked</h1>"),
      /HTTP 403 to initialize; without WWW-Authenticate, JSON-RPC error or protected-resource/,
    ],
    [
      "a bare 401",
      (_s, _q, res) => res.writeHead(401).end(),
      /HTTP 401 to initialize; without WWW-Authenticate/,
    ],
    [
      "an Origin check, though it is a JSON-RPC error",
      refusing(403, rpc(-32000, "Invalid Origin header: null")),
      /saying "Invalid Origin header: null"; an Origin check refuses this caller/,
    ],
  ];
  for (const [what, handler, message] of others) {
    it(`does not pass for ${what}`, async () => {
      const result = await asked(handler, perRequest);
      assert.deepEqual([result.ok, result.outcome], [false, "http-error"], result.message);
      assert.match(result.message, message);
      assert.equal(result.attempts, 3);
    });
  }

  it("never sends a header of the target to the well-known place, nor GET to the endpoint", async () => {
    const { server } = await asked((_s, _q, res) => res.writeHead(401).end(), {
      ...perRequest,
      headers: { Authorization: "Bearer s3cret-s3cret" },
    });
    const gets = server.seen.filter(({ method }) => method === "GET");
    assert.ok(gets.length > 0);
    assert.ok(gets.every(({ path }) => path.startsWith("/.well-known/")));
    assert.ok(gets.every(({ headers }) => headers.authorization === undefined));
  });

  it("says that the configured credentials are not taken", async () => {
    const result = await asked(refusing(401, "", { "www-authenticate": "Bearer" }), {
      headers: { Authorization: "Bearer s3cret-s3cret" },
    });
    assert.equal(result.ok, false);
    assert.match(
      result.message,
      /does not take the credentials in its headers; give it headers with other credentials/,
    );
  });
});

describe("mcp-probe says which switch opens a Host check (issue 18, item 7)", () => {
  afterEach(closeServers);

  const checks: [string, Handler, RegExp][] = [
    [
      "the Python SDK and FastMCP",
      refusing(421, "Invalid Host header"),
      /HTTP 421, saying "Invalid Host header"\); the Python SDK and FastMCP: .*FASTMCP_HTTP_ALLOWED_HOSTS/,
    ],
    [
      "the TypeScript SDK",
      refusing(403, rpc(-32000, "Invalid Host: own.tools.svc")),
      /HTTP 403, saying "Invalid Host: own\.tools\.svc"\); the TypeScript SDK: .*allowedHosts/,
    ],
    [
      "the TypeScript SDK's transport",
      refusing(403, rpc(-32000, "Invalid Host header: own.tools.svc")),
      /the TypeScript SDK: .*allowedHosts/,
    ],
    [
      "the Go SDK",
      refusing(403, "Forbidden: invalid Host header"),
      /the Go SDK: its check is for loopback addresses/,
    ],
    [
      "the Rust SDK",
      refusing(403, "Forbidden: Host header is not allowed"),
      /rmcp, the Rust SDK: .*allowed_hosts/,
    ],
    [
      "Playwright MCP",
      refusing(403, "Access is only allowed at localhost:8931"),
      /Playwright MCP: start it with --allowed-hosts/,
    ],
    [
      "Starlette",
      refusing(400, "Invalid host header"),
      /TrustedHostMiddleware: add this name to its allowed_hosts/,
    ],
    [
      "a server that nobody knows",
      refusing(403, { error: "host not allowed" }),
      /bind the server to 0\.0\.0\.0, or add this name to its allowed hosts/,
    ],
    ["421 without a word", refusing(421, ""), /\(HTTP 421\); bind the server to 0\.0\.0\.0/],
  ];
  for (const [whose, handler, message] of checks) {
    it(`of ${whose}`, async () => {
      const result = await asked(handler, { auth: "per-request" });
      assert.deepEqual([result.ok, result.outcome, result.attempts], [false, "http-error", 1]);
      assert.match(result.message, /refuses the Host header "127\.0\.0\.1:\d+"/);
      assert.match(result.message, message);
    });
  }
});
