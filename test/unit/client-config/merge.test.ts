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
    assert.deepEqual(JSON.parse(mergeMcpJson("", servers).text), { mcpServers: entries });
  });

  it("keeps every other entry and key, an entry's own further keys, and the indentation", () => {
    const local = { command: "npx", args: ["-y", "server"] };
    const before = {
      inputs: [{ id: "token" }],
      mcpServers: {
        local,
        outline: { url: "http://10.20.0.40:31100/old", headers: { "X-Team": "a" } },
      },
    };
    const { text: after, dropped } = mergeMcpJson(JSON.stringify(before, null, 4), servers);
    assert.deepEqual(dropped, []);
    assert.deepEqual(JSON.parse(after), {
      inputs: before.inputs,
      mcpServers: {
        local,
        outline: { ...entries.outline, headers: { "X-Team": "a" } },
        clock: entries.clock,
      },
    });
    assert.match(after, /^\{\n {4}"inputs"/);
    assert.equal(mergeMcpJson(after, servers).text, after, "a second time changes nothing");
  });

  it("leaves an entry alone that starts a process, unless told otherwise", () => {
    const before = JSON.stringify({ mcpServers: { clock: { command: "clock-mcp", env: {} } } });
    assert.throws(() => mergeMcpJson(before, servers), /The entry "clock".*starts a process/);
    const replaced = JSON.parse(mergeMcpJson(before, servers, true).text) as {
      mcpServers: unknown;
    };
    assert.deepEqual(replaced.mcpServers, entries);
  });

  it("refuses text that is no such file", () => {
    for (const text of ["{", "[]", '{"mcpServers": []}', '{"mcpServers": {"a": 1}}']) {
      assert.throws(() => mergeMcpJson(text, servers), /nothing was written/, text);
    }
  });

  it("keeps headers with the same origin only, and says what is gone (issue 16, item 9)", () => {
    const headers = { Authorization: "Bearer of-the-user" };
    const entry = { headers, alwaysAllow: ["delete"], headersHelper: "./token", description: "x" };
    const merged = (url: string): { text: string; dropped: unknown } =>
      mergeMcpJson(JSON.stringify({ mcpServers: { clock: { ...entry, url } } }), servers);
    for (const url of [
      "http://clock-mcp.ai-platform.svc.cluster.local:8081/mcp",
      "https://clock-mcp.ai-platform.svc.cluster.local:8080/mcp",
      "http://clock-mcp.other.svc.cluster.local:8080/mcp",
      "http://${HOST}:8080/mcp",
      "",
    ]) {
      const { text, dropped } = merged(url);
      assert.deepEqual(dropped, [
        { name: "clock", keys: ["headers", "alwaysAllow", "headersHelper"] },
      ]);
      assert.ok(!text.includes("of-the-user"), url);
      assert.ok(text.includes('"description": "x"'), url);
    }
    const same = merged("http://clock-mcp.ai-platform.svc.cluster.local:8080/old");
    assert.deepEqual(same.dropped, []);
    assert.ok(same.text.includes("of-the-user"));
  });

  it("writes the words of the file it finds, or refuses (issue 16, item 9)", () => {
    const [clock] = servers;
    assert.ok(clock !== undefined);
    const into = (content: unknown, file?: string): unknown =>
      JSON.parse(
        mergeMcpJson(content === undefined ? "" : JSON.stringify(content), [clock], false, file)
          .text,
      );
    const { url } = clock;
    assert.deepEqual(into({ servers: {} }), { servers: { clock: { type: "http", url } } });
    assert.deepEqual(into(undefined, "/project/.vscode/mcp.json"), {
      servers: { clock: { type: "http", url } },
    });
    const gemini = { mcpServers: { a: { httpUrl: "http://a/mcp" }, clock: { url: "http://b" } } };
    assert.deepEqual(into(gemini), {
      mcpServers: { a: gemini.mcpServers.a, clock: { httpUrl: url } },
    });
    assert.deepEqual(into({ theme: "dark" }, "/home/me/.gemini/settings.json"), {
      theme: "dark",
      mcpServers: { clock: { httpUrl: url } },
    });
    for (const unclear of [
      { mcpServers: {}, servers: {} },
      { mcpServers: { a: { httpUrl: "http://a" }, b: { serverUrl: "http://b" } } },
      { context_servers: { a: {} } },
      { mcp: { servers: {} } },
      { servers: [] },
    ])
      assert.throws(() => into(unclear), /nothing was written/, JSON.stringify(unclear));
  });

  it("refuses a file beyond what a person writes, before it is parsed", () => {
    for (const text of [
      `{"a":${"[".repeat(100_000)}`,
      `{"a":[${"1,".repeat(200_000)}1]}`,
      `{"a":"${"x".repeat(5_000_000)}"}`,
    ])
      assert.throws(() => mergeMcpJson(text, servers), /nothing was written/);
  });
});
