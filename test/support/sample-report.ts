import type { CutoverReport, TimelineEntry } from "@mcp-fleet/operations";

const at = (seconds: number): string =>
  new Date(Date.parse("2026-11-28T10:00:00.000Z") + seconds * 1000).toISOString();

const entry = (
  phase: TimelineEntry["phase"],
  what: string,
  from: number,
  to?: number,
): TimelineEntry => ({ phase, what, from: at(from), ...(to === undefined ? {} : { to: at(to) }) });

const keys = ["llmctl-mcp", "github", "atlassian", "chroma", "google-cloud"];
const url = (key: string): string => `http://llmctl-mcp-${key}.llmctl.svc.cluster.local:8000/mcp`;

/** A report like that of the lab's cutover, with a server whose pod existed long before it. */
export const sampleReport: CutoverReport = {
  cutover: "mcp-fleet/prod",
  run: {
    generation: 3,
    target: "in-cluster",
    planHash: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    runId: "0f6c2a53-6f6e-4d0e-9c46-3d1f6f0a4c11",
    committedAt: at(18.2),
    settledAt: at(41.6),
    who: "ops@example.com",
    stack: "organization/mcp-fleet/prod",
    commit: "7626a6d1c0de4b1f8a2e7b7a8c0f00dfeedface1",
    toolVersion: "0.1.0",
    counts: { rewrite: 4, seed: 1, unchanged: 0 },
    fenced: true,
    fencedWrites: 4,
    protocols: {
      ...Object.fromEntries(
        keys.map((key) => [key, { web: "2025-11-25", executor: "2025-11-25" }]),
      ),
      github: { web: "2025-11-25", executor: "2026-07-28" },
    },
    images: {
      github: {
        "mcp-server": [
          `ghcr.io/github/github-mcp-server@sha256:${"4f".repeat(32)}`,
          `ghcr.io/github/github-mcp-server@sha256:${"5a".repeat(32)}`,
        ],
      },
      chroma: { "mcp-server": [`harbor.example.com/mcp/chroma@sha256:${"c0".repeat(32)}`] },
    },
    tools: Object.fromEntries(
      keys.map((key) => [key, ["get_me", "list_issues", "create_pull_request", `${key}_search`]]),
    ),
  },
  newest: 3,
  rows: keys.map((key) => ({
    key,
    action: key === "llmctl-mcp" ? "seed" : "rewrite",
    ...(key === "llmctl-mcp"
      ? {}
      : {
          from: `stdio npx -y @modelcontextprotocol/server-${key}`,
          before: { command: "npx", args: ["-y", `server-${key}`], env: { TOKEN: "•••" } },
        }),
    to: `streamable-http ${url(key)}`,
    after: { url: url(key), transport: "streamable-http" },
  })),
  timeline: [
    entry("server", "pod llmctl-mcp-chroma-7c9d-old ready", -90_000, -89_950),
    entry("server", "pod llmctl-mcp-github-5d8f7c6b9-xk2lp ready", 2, 9),
    entry("server", "pod llmctl-mcp-atlassian-6b7d5c4f8-9mzqt ready", 2, 11),
    entry("probe", "probe from web", 12, 17),
    entry("probe", "probe from executor", 12, 16.4),
    entry("rows", "transaction committed", 18.2),
    entry("rollout", "pod llmctl-studio-74c6d9f5b8-h2vnd ready", 20, 38),
    entry("settle", "settled: no old pod, fence removed", 41.6),
  ],
  update: {
    version: 12,
    kind: "update",
    succeeded: true,
    startedAt: at(0),
    endedAt: at(42.1),
    commit: "7626a6d1c0de4b1f8a2e7b7a8c0f00dfeedface1",
    message: "Release 2.4: servers in the cluster",
    changes: { create: 3, update: 4 },
    generation: 3,
    moved: true,
    configChanges: [{ path: "mcp-fleet:target", from: "embedded", to: "in-cluster" }],
  },
  gaps: [],
};
