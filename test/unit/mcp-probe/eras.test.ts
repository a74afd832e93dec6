import assert from "node:assert/strict";

import { probe, type ProbeResult } from "@mcp-fleet/mcp-probe";

import { modernServer, olderServer } from "../../support/era-servers";
import { closeServers, json, serve, type TestServer } from "./servers";

const older = ["2025-03-26", "2025-06-18"];
const modern = ["2026-07-28"];

async function asked(
  server: TestServer,
  protocols?: readonly string[],
): Promise<Pick<ProbeResult, "ok" | "outcome" | "message" | "protocolVersion">> {
  const limits = { deadlineSeconds: 5, retryDelaySeconds: 0.02 };
  return probe(
    { name: "own", url: server.url },
    { ...limits, ...(protocols === undefined ? {} : { protocols }) },
  );
}

describe("mcp-probe stands for a client of some protocol versions (issue 18, item 10)", () => {
  afterEach(closeServers);

  it("an older client and an older server agree on the client's newest version", async () => {
    const result = await asked(await olderServer(), older);
    assert.deepEqual([result.ok, result.protocolVersion], [true, "2025-06-18"], result.message);
  });

  it("an older client and a modern-only server share none", async () => {
    const server = await modernServer("reject");
    for (const protocols of [older, undefined]) {
      const result = await asked(server, protocols);
      assert.deepEqual([result.ok, result.outcome], [false, "no-shared-protocol"], result.message);
      assert.match(
        result.message,
        /speaks MCP 2026-07-28, and its client only .*2025-03-26, 2025-06-18/,
      );
    }
  });

  it("a modern client and an older server share none", async () => {
    const result = await asked(await olderServer(), modern);
    assert.deepEqual([result.ok, result.outcome], [false, "no-shared-protocol"], result.message);
    assert.match(result.message, /speaks MCP 2025-11-25, and its client only 2026-07-28/);
  });

  it("a modern client and a modern-only server agree, without a handshake", async () => {
    const server = await modernServer("reject");
    const result = await asked(server, modern);
    assert.deepEqual([result.ok, result.protocolVersion], [true, "2026-07-28"], result.message);
    assert.deepEqual(server.asked(), ["POST server/discover", "POST tools/list"]);
  });

  it("a client of both takes the newest that the server has", async () => {
    const both = [...older, ...modern];
    const agreed = async (server: TestServer): Promise<string | undefined> =>
      (await asked(server, both)).protocolVersion;
    assert.equal(await agreed(await olderServer()), "2025-06-18");
    assert.equal(await agreed(await modernServer("reject")), "2026-07-28");
    assert.equal(await agreed(await modernServer("stateless")), "2026-07-28");
  });

  it("a server of both is asked as its client would", async () => {
    const server = await modernServer("stateless");
    const result = await asked(server, ["2025-06-18"]);
    assert.deepEqual([result.ok, result.protocolVersion], [true, "2025-06-18"], result.message);
    assert.equal(server.asked()[0], "POST initialize");
  });

  it("takes no version that the client does not speak, though the probe does", async () => {
    const server = await serve((seen, _req, res) =>
      json(res, {
        jsonrpc: "2.0",
        id: seen.body?.id,
        result: {
          protocolVersion: "2025-11-25",
          capabilities: { tools: {} },
          serverInfo: { name: "newer", version: "1" },
        },
      }),
    );
    const result = await asked(server, older);
    assert.equal(result.outcome, "no-shared-protocol");
    assert.match(
      result.message,
      /speaks MCP 2025-11-25, and its client only 2025-03-26, 2025-06-18/,
    );
  });

  it("no client takes a list of tools that 2026-07-28 does not allow", async () => {
    const server = await serve((seen, _req, res) => {
      const { id, method } = seen.body ?? {};
      const result =
        method === "server/discover"
          ? { supportedVersions: modern, capabilities: { tools: {} }, resultType: "complete" }
          : { tools: [{ name: "alpha", inputSchema: null }], resultType: "complete" };
      return json(res, { jsonrpc: "2.0", id, result });
    });
    const result = await asked(server, modern);
    assert.match(result.message, /tool 1 "alpha", inputSchema: expected object, received null/);
  });
});
