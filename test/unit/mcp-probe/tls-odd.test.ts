import assert from "node:assert/strict";
import { createSecureServer, type Http2SecureServer } from "node:http2";
import type { AddressInfo } from "node:net";

import { probe, type ProbeTarget } from "@mcp-fleet/mcp-probe";

import { Authority, type Certificate } from "./authority";
import { closeServers, initialized, mcpServer, toolNamed } from "./servers";

const quick = { deadlineSeconds: 2, requestTimeoutSeconds: 1, retryDelaySeconds: 0.1 };

describe("mcp-probe asks servers with odd certificates and protocols", () => {
  const root = new Authority("root");
  const between = new Authority("between", root);
  const leaf = between.sign({ names: "IP:127.0.0.1" });
  let http2: Http2SecureServer | undefined;

  afterEach(async () => {
    http2?.close();
    await closeServers();
  });
  after(() => {
    root.remove();
    between.remove();
  });

  const asked = (url: string, more: Partial<ProbeTarget>) =>
    probe({ name: "tools", url, ...more }, quick);

  it("takes a chain, from the server or from what tls.ca names", async () => {
    const whole = { key: leaf.key, cert: leaf.cert + between.certificate };
    const server = await mcpServer({ works: true }, whole);
    assert.equal((await asked(server.url, { ca: root.certificate })).ok, true);
    const short = await mcpServer({ works: true }, leaf);
    assert.equal((await asked(short.url, { ca: root.certificate })).ok, false);
    const both = root.certificate + between.certificate;
    assert.equal((await asked(short.url, { ca: both })).ok, true);
  });

  it("says that an authority alone that another signed is not enough", async () => {
    const server = await mcpServer({ works: true }, leaf);
    const result = await asked(server.url, { ca: between.certificate });
    assert.match(
      result.message,
      /\(UNABLE_TO_GET_ISSUER_CERT\); what tls\.ca of the server names was signed by another authority: add/,
    );
  });

  it("says that a key is too short, and does not ask again", async () => {
    const weak = await weakServer(root.sign({ names: "IP:127.0.0.1", weak: true }));
    const result = await asked(weak, { ca: root.certificate });
    assert.equal(result.attempts, 1);
    assert.match(
      result.message,
      /rejected \(EE certificate key too weak\); make it with RSA of 2048/,
    );
  });

  it("speaks no HTTP/2, as MCP clients do not", async () => {
    const own = { ca: root.certificate + between.certificate };
    const alone = await asked(await http2Server(leaf, false), own);
    assert.equal(alone.ok, false);
    assert.match(alone.message, /speaks HTTP\/2 only there; MCP clients send HTTP\/1\.1/);
    http2?.close();
    const both = await asked(await http2Server(leaf, true), own);
    assert.equal(both.ok, true, both.message);
    assert.deepEqual([...versions], ["1.1"]);
  });

  const versions = new Set<string>();

  async function http2Server(tls: Certificate, allowHTTP1: boolean): Promise<string> {
    return listening(
      createSecureServer({ ...tls, allowHTTP1 }, (request, response) => {
        versions.add(request.httpVersion);
        let text = "";
        request.on("data", (part: Buffer) => (text += part.toString()));
        request.on("end", () => {
          const { id, method } = JSON.parse(text) as { id?: number; method?: string };
          if (id === undefined) return void response.writeHead(202).end();
          const tools = { jsonrpc: "2.0", id, result: { tools: [toolNamed("a")] } };
          response.writeHead(200, { "content-type": "application/json" });
          response.end(JSON.stringify(method === "initialize" ? initialized(id) : tools));
        });
      }),
    );
  }

  const weakServer = (tls: Certificate): Promise<string> =>
    listening(
      createSecureServer(
        { ...tls, allowHTTP1: true, ciphers: "DEFAULT@SECLEVEL=0" },
        (_, response) => response.end(),
      ),
    );

  async function listening(server: Http2SecureServer): Promise<string> {
    http2 = server;
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `https://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
  }
});
