import assert from "node:assert/strict";

import { UserError } from "@mcp-fleet/errors";

import { databaseServiceObjects } from "../../../lab/database/service";
import { displayRows } from "../../../lab/database/snapshot";
import { readConfig } from "../../../lab/studio/config";
import { parseDocument } from "../../../lab/studio/documents";
import {
  desiredRows,
  type PayloadContext,
  type Settings,
  tomlText,
} from "../../../lab/studio/payloads";

const embedded: PayloadContext = {
  mode: "embedded",
  namespace: "llmctl",
  appDir: "/app",
  chroma: { host: "", port: "", ssl: "" },
};

function settings(values: Record<string, Record<string, string>>): Settings {
  return new Map(
    Object.entries(values).map(([provider, own]) => [provider, new Map(Object.entries(own))]),
  );
}

describe("Studio's rows", () => {
  it("wants llmctl-mcp always and any other server only where its settings exist", () => {
    assert.deepEqual([...desiredRows(embedded, settings({})).keys()], ["llmctl-mcp"]);
    const some = settings({ github: { pat: "  " }, jira: { site: "https://x", api_key: "u:t" } });
    assert.deepEqual([...desiredRows(embedded, some).keys()], ["llmctl-mcp", "atlassian"]);
  });

  it("takes a user out of the API key, or the e-mail address beside it", () => {
    const env = (jira: Record<string, string>) =>
      desiredRows(embedded, settings({ jira })).get("atlassian")?.document.env;
    const site = "https://x";
    const expected = { JIRA_URL: site, JIRA_USERNAME: "u", JIRA_API_TOKEN: "t:1" };
    assert.deepEqual(env({ site, api_key: "u:t:1", email: "other" }), expected);
    assert.deepEqual(env({ site, api_key: ":t:1", email: "u" }), expected);
    assert.deepEqual(env({ site, api_key: "t", email: "u" }), { ...expected, JIRA_API_TOKEN: "t" });
    assert.equal(env({ site, api_key: "t" }), undefined);
  });

  it("writes exactly a URL and a transport in in-cluster mode", () => {
    const rows = desiredRows(
      { ...embedded, mode: "in-cluster", namespace: "team-a" },
      settings({ chroma: { host: "h", port: "8000" } }),
    );
    assert.deepEqual(
      [...rows].map(([key, row]) => [key, row.document]),
      [
        [
          "llmctl-mcp",
          {
            url: "http://llmctl-mcp.team-a.svc.cluster.local:9020/mcp",
            transport: "streamable-http",
          },
        ],
        [
          "chroma",
          {
            url: "http://llmctl-mcp-chroma.team-a.svc.cluster.local:8000/mcp",
            transport: "streamable-http",
          },
        ],
      ],
    );
  });

  it("writes TOML that reads back as the same document, keys sorted", () => {
    const document = {
      command: "mcp-server-github",
      args: ["--a", 'quote " and \\ backslash'],
      env: { Z_LAST: "ü\n\t\u0001", A_FIRST: "1" },
    };
    const text = tomlText("github", document);
    assert.deepEqual(
      text.split("\n").map((line) => line.split(" = ")[0]),
      ["[mcp_servers.github]", "args", "command", "env.A_FIRST", "env.Z_LAST"],
    );
    assert.deepEqual(JSON.parse(JSON.stringify(parseDocument("github", text))), document);
  });

  it("names the row and never its content when it cannot be read", () => {
    assert.throws(
      () => parseDocument("mine", 'token = "ghp_abc'),
      (error) =>
        error instanceof UserError && /mine/.test(error.message) && !/ghp_/.test(error.message),
    );
  });

  it("names the variable that is missing or wrong", () => {
    const good = { DATABASE_URL: "postgresql://u:p@h/d" };
    assert.equal(readConfig(good).mode, "embedded");
    for (const [env, name] of [
      [{}, "DATABASE_URL"],
      [{ DATABASE_URL: "mysql://secret" }, "DATABASE_URL"],
      [{ ...good, STUDIO_MODE: "both" }, "STUDIO_MODE"],
      [{ ...good, PORT: "70000" }, "PORT"],
      [{ ...good, STUDIO_DRAIN_SECONDS: "-1" }, "STUDIO_DRAIN_SECONDS"],
    ] as const) {
      assert.throws(
        () => readConfig(env),
        (error) =>
          error instanceof UserError &&
          error.problem.includes(name) &&
          !/secret/.test(error.problem),
      );
    }
  });
});

describe("rows as they are shown", () => {
  it("are the command's name or the URL, out of JSON and TOML alike", () => {
    const shown = (config: string) =>
      displayRows({
        columnType: "text",
        servers: [{ server_key: "k", server_type: "integrated", config_json: config }],
        associations: {},
        settings: [],
      }).map(({ transport, endpoint }) => [transport, endpoint]);
    assert.deepEqual(shown('{"env": {"command_url": "x"}, "command": "/usr/bin/python3"}'), [
      ["stdio", "python3"],
    ]);
    assert.deepEqual(shown('[mcp_servers.k]\nargs = ["s3cret"]\ncommand = "gcloud-mcp"'), [
      ["stdio", "gcloud-mcp"],
    ]);
    assert.deepEqual(
      shown('{"url": "http://u:s3cret@h.svc:8000/mcp?key=s3cret", "transport": "streamable-http"}'),
      [["streamable-http", "http://h.svc:8000/mcp"]],
    );
    assert.deepEqual(shown("nonsense s3cret"), [["unknown", ""]]);
  });
});

describe("the database's Service in the cluster", () => {
  it("leads from the name and port pods use to the node's address and the server's own port", () => {
    const [service, slice] = databaseServiceObjects({
      namespace: "n",
      address: "10.9.8.7",
      port: 55432,
    });
    assert.partialDeepStrictEqual(service, {
      kind: "Service",
      metadata: { name: "llmctl-postgres", namespace: "n" },
      spec: { ports: [{ port: 5432, targetPort: 55432 }] },
    });
    assert.partialDeepStrictEqual(slice, {
      kind: "EndpointSlice",
      metadata: { labels: { "kubernetes.io/service-name": "llmctl-postgres" } },
      endpoints: [{ addresses: ["10.9.8.7"] }],
      ports: [{ name: "postgres", port: 55432 }],
    });
  });
});
