import assert from "node:assert/strict";

import { integratedServers } from "@mcp-fleet/catalog";
import { checkStackFile } from "@mcp-fleet/schema";

const found = (server: object): string[] => {
  const config = {
    "mcp-fleet:namespace": "n",
    "mcp-fleet:cutover": { enabled: false },
    "mcp-fleet:studio": { enabled: false },
    "mcp-fleet:servers": { w: { image: "i:1", port: 8000, row: false, ...server } },
  };
  return checkStackFile("x.yaml", JSON.stringify({ config }), integratedServers).problems.flatMap(
    ({ path, problem }) => (problem.includes("a credential as plain text") ? [path] : []),
  );
};

describe("credentials as text in a server's variables and command lines", () => {
  it("are told by where they stand", () => {
    const env = {
      OPENAI_KEY: "sk-proj-0123456789abcdef0123",
      GITHUB: "ghp_0123456789abcdef",
      DATABASE_URI: "postgresql://u:s3cret@db/x",
    };
    const paths = ["OPENAI_KEY", "GITHUB", "DATABASE_URI"].map((name) => `servers.w.env.${name}`);
    assert.deepEqual(found({ env }), paths);
    assert.deepEqual(found({ args: ["--token", "ghp_0123456789abcdef"] }), ["servers.w.args"]);
    const sidecar = { name: "proxy", image: "p:1", args: ["glpat-0123456789"] };
    assert.deepEqual(found({ sidecars: [sidecar] }), ["servers.w.sidecars[0].args"]);
  });

  it("are none where another variable stands in their place, or where nothing looks like one", () => {
    const env = {
      DATABASE_URI: "postgresql://u:$(PASSWORD)@db/x",
      TOKEN_URL: "https://login.example.com/token",
      MAX_TOKENS: "4096",
      PASSWORD_FILE: "/run/secrets/password",
    };
    assert.deepEqual(found({ env, args: ["--port", "8000"] }), []);
  });
});
