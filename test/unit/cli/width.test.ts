import assert from "node:assert/strict";

import { contradictionsIn, type ListedUpdate, type VerifiedServer } from "@mcp-fleet/operations";
import type { RowPlan } from "@mcp-fleet/row-cutover";

import { historyText } from "../../../cli/commands/history";
import { planText } from "../../../cli/commands/plan";
import { verifyText } from "../../../cli/commands/verify";
import { facts, table } from "../../../cli/terminal";

const wide = 100;

/** No line is longer than the terminal, except one with a single long word: an address stays whole. */
function fits(text: string, width = wide): void {
  for (const line of text.split("\n")) {
    const words = line.trim().replace(/^[\w ]+: /, "");
    assert.ok(line.length <= width || !words.includes(" "), `${line.length}: ${line}`);
  }
}

const keys = ["llmctl-mcp", "github", "atlassian", "chroma", "google-cloud", "google-workspace"];
const url = (key: string): string =>
  `http://llmctl-mcp-${key}.ai-platform-production.svc.cluster.local:8000/mcp`;

describe("what the commands print at 100 columns", () => {
  it("plan", () => {
    const plan: RowPlan = {
      target: "in-cluster",
      generation: 3,
      hash: "h",
      noop: false,
      changes: keys.map((key) => ({
        key,
        action: "rewrite",
        from: `stdio npx -y @modelcontextprotocol/server-${key}`,
        to: url(key),
        drops: ["command", "args", "env.GITHUB_PERSONAL_ACCESS_TOKEN", "env.GITHUB_TOOLSETS"],
      })),
      warnings: [
        `${"The row google-workspace is deferred, so that this run leaves it as it is. ".repeat(3)}`,
      ],
      size: { rows: 6, lockSeconds: 0.14, walBytes: 9000, looked: 6, lookedBytes: 1 } as never,
    };
    const text = planText(plan, wide);
    fits(text);
    assert.match(text, /\n {2}github +rewrite/);
    assert.match(
      text,
      /\n {6}to: http:\/\/llmctl-mcp-github\S+\/mcp\n {6}what else: drops command/,
    );
    // In a file or pipe a row is one line.
    assert.match(planText(plan), /github +rewrite +stdio npx .* +http:\S+ +drops command, args/);
  });

  it("history", () => {
    const update = (version: number): ListedUpdate => ({
      version,
      kind: "update",
      succeeded: version !== 6,
      startedAt: "2026-11-25T03:16:29Z",
      endedAt: "2026-11-25T03:17:29Z",
      commit: "2d7c9e2610aabbccddeeff00112233445566778899",
      dirty: true,
      changes: { create: 23, update: 4, delete: 23, replace: 1 },
      generation: 2,
      moved: true,
      configChanges: [
        { path: "mcp-fleet:servers.github.image", from: "a:1.0.0", to: "a:1.1.0" },
        { path: "mcp-fleet:serverSecrets.atlassian.CONFLUENCE_API_TOKEN", to: "(secret)" },
      ],
    });
    const text = historyText([update(6), update(5)], wide);
    fits(text);
    assert.match(text, /\n {2}6 +2026-11-25 03:16:29 +update FAILED +2d7c9e2610\* +2 \(moved\)/);
    assert.match(text, /\n {6}configuration: servers\.github\.image: a:1\.0\.0 -> a:1\.1\.0;/);
  });

  const seen = (server: string, consumer: string, problem = ""): VerifiedServer => ({
    ...{ server, consumer, url: url(server), ok: problem === "", problem },
    outcome: problem === "" ? "ok" : "unreachable",
    ...{ protocolVersion: "2025-11-25", serverVersion: "1", latencyMs: 2066, tools: 98 },
    ...{ compared: false, missing: [], renamed: [], added: ["create_or_update_file_contents"] },
  });

  it("verify, with the consumer that each line is about, and contradictions explained", () => {
    const refused = (attempts: number): string =>
      `github: ${url("github")} refuses the connection; no ready pod is behind the Service, or the server listens on another port or on loopback only (${attempts} attempts in 30.1 seconds).`;
    const servers = [
      ...keys.flatMap((key) => [
        seen(key, "web"),
        ...(key === "github" ? [] : [seen(key, "executor")]),
      ]),
      seen("github", "executor", refused(30)),
      seen("github", "worker", refused(31)),
    ];
    const report = {
      ...{ cutover: "c", generation: 1, recordedIn: 1, servers, failed: 1 },
      contradictions: contradictionsIn(servers),
    };
    const text = verifyText(report, wide);
    fits(text);
    assert.match(
      text,
      /\n- \[executor, worker\] github:\s+http:\S+ refuses the connection;\s+no ready/,
    );
    assert.match(
      text,
      /\n- github answers web, refuses executor, worker\. It runs, so check the network path/,
    );
    assert.equal(text.match(/refuses the connection/g)?.length, 1);
  });

  it("a contradiction is explained by what was answered", () => {
    const told = (outcome: VerifiedServer["outcome"]): string | undefined =>
      contradictionsIn([seen("a", "web"), { ...seen("a", "executor", "no."), outcome }])[0]
        ?.explanation;
    assert.match(told("timeout") ?? "", /NetworkPolicies/);
    assert.match(told("http-error") ?? "", /distinguishes callers/);
    assert.match(told("missing-tools") ?? "", /rollout is in progress/);
    assert.deepEqual(contradictionsIn([seen("a", "web", "no."), seen("a", "executor", "no.")]), []);
  });

  it("a narrow terminal gets every column that may go below its row, and nothing is lost", () => {
    const columns = ["a", { title: "b", folds: true }, { title: "c", folds: true }] as const;
    const rows = [["one", "x".repeat(30), "two words ".repeat(8).trim()]];
    assert.equal(table(columns, rows).split("\n").length, 3);
    const folded = table(columns, rows, 60);
    fits(folded, 60);
    assert.match(folded, /\n {2}one {2}x{30}\n {6}c: two words/);
    const narrow = table(columns, rows, 30);
    assert.match(narrow, /\n {2}one\n {6}b: x{30}\n {6}c: two/);
    assert.equal(narrow.match(/two/g)?.length, 8);
    fits(
      facts(
        [
          ["image", "a".repeat(40)],
          ["why", "some words ".repeat(20)],
        ],
        60,
      ),
      60,
    );
  });
});
