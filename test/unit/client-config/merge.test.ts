import assert from "node:assert/strict";

import { mcpJson, mergeMcpJson } from "@mcp-fleet/client-config";

const servers = [
  { name: "clock", url: "http://clock-mcp.ai-platform.svc.cluster.local:8080/mcp" },
  { name: "outline", url: "http://10.20.0.40:31100/mcp" },
];
const entries = {
  clock: { type: "http", url: servers[0]?.url },
  outline: { type: "http", url: servers[1]?.url },
};

describe("a client's .mcp.json", () => {
  it("has an entry for each server", () => {
    assert.deepEqual(mcpJson(servers), { mcpServers: entries });
    assert.deepEqual(JSON.parse(mergeMcpJson("", servers)), { mcpServers: entries });
  });

  it("keeps every other entry and key, an entry's own further keys, and the indentation", () => {
    const local = { command: "npx", args: ["-y", "server"] };
    const before = {
      inputs: [{ id: "token" }],
      mcpServers: { local, outline: { url: "http://old", headers: { "X-Team": "a" } } },
    };
    const after = mergeMcpJson(JSON.stringify(before, null, 4), servers);
    assert.deepEqual(JSON.parse(after), {
      inputs: before.inputs,
      mcpServers: {
        local,
        outline: { ...entries.outline, headers: { "X-Team": "a" } },
        clock: entries.clock,
      },
    });
    assert.match(after, /^\{\n {4}"inputs"/);
    assert.equal(mergeMcpJson(after, servers), after, "a second time changes nothing");
  });

  it("leaves an entry alone that starts a process, unless told otherwise", () => {
    const before = JSON.stringify({ mcpServers: { clock: { command: "clock-mcp", env: {} } } });
    assert.throws(() => mergeMcpJson(before, servers), /The entry "clock".*starts a process/);
    const replaced = JSON.parse(mergeMcpJson(before, servers, true)) as { mcpServers: unknown };
    assert.deepEqual(replaced.mcpServers, entries);
  });

  it("refuses text that is no such file", () => {
    for (const text of ["{", "[]", '{"mcpServers": []}', '{"mcpServers": {"a": 1}}']) {
      assert.throws(() => mergeMcpJson(text, servers), /nothing was written/, text);
    }
  });
});
