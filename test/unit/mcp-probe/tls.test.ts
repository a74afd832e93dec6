import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

import { parseRequest, probe, probeAll, type ProbeTarget } from "@mcp-fleet/mcp-probe";

import { Authority } from "./authority";
import { closeServers, mcpServer, type TestServer } from "./servers";

const quick = { deadlineSeconds: 2, requestTimeoutSeconds: 1, retryDelaySeconds: 0.1 };
const works = { works: true };

describe("mcp-probe asks servers with a certificate of a private authority", () => {
  const own = new Authority("corp");
  const other = new Authority("another");
  const here = own.sign({ names: "IP:127.0.0.1,DNS:tools.example" });

  afterEach(closeServers);
  after(() => {
    own.remove();
    other.remove();
  });

  const asked = (server: TestServer, more: Partial<ProbeTarget> = {}) =>
    probe({ name: "tools", url: server.url, ...more }, quick);

  it("passes with its authority, over every step of MCP", async () => {
    const server = await mcpServer(works, here);
    const result = await asked(server, { ca: own.certificate, headers: { "X-Tenant": "studio" } });
    assert.equal(result.ok, true, result.message);
    assert.match(result.message, /^tools: https:\/\/127\.0\.0\.1:\d+\/mcp speaks MCP /);
    assert.deepEqual(result.tools, ["a", "b"]);
    assert.deepEqual(server.asked().slice(0, 2), [
      "POST initialize",
      "POST notifications/initialized",
    ]);
    assert.ok(server.seen.every(({ headers }) => headers["x-tenant"] === "studio"));
  });

  it("takes a bundle of several, and the authority of another server helps none", async () => {
    const server = await mcpServer(works, here);
    const bundle = `# corp\n${other.certificate}\n${own.certificate}`;
    assert.equal((await asked(server, { ca: bundle })).ok, true);
    const [trusted, stranger] = await probeAll(
      [
        { name: "trusted", url: server.url, ca: own.certificate },
        { name: "stranger", url: server.url },
      ],
      quick,
    );
    assert.equal(trusted?.ok, true);
    assert.equal(stranger?.ok, false);
    assert.match(
      stranger?.message ?? "",
      /is not trusted here \(UNABLE_TO_VERIFY_LEAF_SIGNATURE\); name its authority in tls\.ca of the server\.$/,
    );
  });

  it("refuses the wrong authority", async () => {
    const server = await mcpServer(works, here);
    const result = await asked(server, { ca: other.certificate });
    assert.deepEqual([result.ok, result.outcome, result.attempts], [false, "unreachable", 1]);
    assert.match(
      result.message,
      /not trusted here \(UNABLE_TO_VERIFY_LEAF_SIGNATURE\); it is not signed by the authority that tls\.ca of the server names/,
    );
    assert.deepEqual(server.seen, []);
  });

  it("refuses a certificate for another name, and says which it names", async () => {
    const server = await mcpServer(works, own.sign({ names: "DNS:other.example" }));
    const result = await asked(server, { ca: own.certificate });
    assert.equal(result.ok, false);
    assert.match(
      result.message,
      /certificate for another name: it names DNS:other\.example, and not 127\.0\.0\.1; have it issued for that name too/,
    );
    // As for a server behind a forwarded port.
    const named = await asked(server, { ca: own.certificate, serverName: "other.example" });
    assert.equal(named.ok, true, named.message);
  });

  it("refuses one that has expired", async () => {
    const server = await mcpServer(works, own.sign({ names: "IP:127.0.0.1", expired: true }));
    const result = await asked(server, { ca: own.certificate });
    assert.equal(result.ok, false);
    assert.match(result.message, /has expired, or that of its authority has .*; renew it/);
  });

  it("says that a server speaks no TLS, or nothing else, and names the key", async () => {
    const plain = await mcpServer(works);
    const url = plain.url.replace("http:", "https:");
    const secure = await asked(plain, { url, ca: own.certificate });
    assert.match(secure.message, /does not speak TLS there; .*tls of the server/);
    const server = await mcpServer(works, here);
    const clear = await asked(server, { url: server.url.replace("https:", "http:") });
    assert.match(
      clear.message,
      /speaks TLS there; use https:\/\/ in its URL \(tls of the server\)/,
    );
  });

  it("says that what it is given is no certificate, without quoting it", async () => {
    const server = await mcpServer(works, here);
    for (const ca of [
      "no-certificate-here",
      "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
      here.key,
    ]) {
      const result = await asked(server, { ca });
      assert.equal(result.ok, false);
      assert.match(
        result.message,
        /what its tls\.ca names holds (no certificate|a certificate that)/,
      );
      for (const line of ca.split("\n").slice(1, 2)) assert.ok(!result.message.includes(line));
    }
  });

  it("leaves this process's own trust as it is", async () => {
    const server = await mcpServer(works, here);
    assert.equal((await asked(server, { ca: own.certificate })).ok, true);
    await assert.rejects(fetch(server.url), /fetch failed/);
    assert.equal(process.env.NODE_TLS_REJECT_UNAUTHORIZED, undefined);
  });

  it("leaves what this process asks with to the rest of it", async () => {
    const server = await mcpServer(works, here);
    // Where Node.js 22 keeps a proxy from the environment; 24 has a second name.
    const script = `
      const { probe } = require("@mcp-fleet/mcp-probe");
      const [first, second] = [1, 2].map((one) => Symbol.for("undici.globalDispatcher." + one));
      const proxy = { dispatch() {} };
      Object.defineProperty(globalThis, first, { value: proxy, writable: true });
      const target = { name: "tools", url: ${JSON.stringify(server.url)}, ca: process.env.CA };
      Promise.all([probe(target), probe({ ...target })]).then((results) =>
        console.log(...results.map(({ ok }) => ok), globalThis[first] === proxy, globalThis[second]),
      );`;
    const { stdout } = await promisify(execFile)(process.execPath, ["-e", script], {
      cwd: join(__dirname, "../../../.."),
      env: { CA: own.certificate },
    });
    assert.equal(stdout, "true true true undefined\n");
  });

  it("reads authority and headers from files, as a Job mounts them", async () => {
    const server = await mcpServer(works, here);
    const file = join(own.file, "..", "token");
    writeFileSync(file, "s3cret-value\n");
    const target = {
      ...{ name: "tools", url: server.url, caFile: own.file },
      headerFiles: { Authorization: { file, prefix: "Bearer " } },
    };
    const command = join(__dirname, "../../../../packages/mcp-probe/dist/cli.js");
    const { stdout } = await promisify(execFile)(process.execPath, [command], {
      env: { MCP_PROBE_TARGETS: JSON.stringify([target]) },
    });
    assert.equal((JSON.parse(stdout) as { ok: boolean }).ok, true, stdout);
    assert.equal(server.seen[0]?.headers.authorization, "Bearer s3cret-value");
    assert.ok(!stdout.includes("s3cret"));
    writeFileSync(file, "two\nlines");
    assert.throws(
      () => parseRequest(JSON.stringify([target])),
      (error: Error) =>
        /^The header Authorization of the MCP server "tools" is not one line of ASCII/.test(
          error.message,
        ) && !error.message.includes("lines\n"),
    );
    assert.throws(
      () =>
        parseRequest(JSON.stringify([{ ...target, headerFiles: {}, caFile: "/nowhere/ca.crt" }])),
      /authority's certificate of the MCP server "tools" cannot be read: ENOENT/,
    );
  });
});
