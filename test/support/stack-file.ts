import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { parse } from "yaml";

import type { Recorder } from "./mocks";
import { runProgram } from "./resources";

export const root = join(__dirname, "..", "..", "..");

/** Stand-ins for what a stack keeps encrypted; every one of them must be gone from the dump. */
const secret = {
  databaseUrl: "postgresql://studio:golden-secret@db.example.com:5432/studio",
  studioSecrets: { DATABASE_URL: "postgresql://studio:golden-secret@llmctl-postgres:5432/studio" },
  serverSecrets: {
    github: { GITHUB_PERSONAL_ACCESS_TOKEN: "golden-secret" },
    atlassian: {
      JIRA_URL: "https://golden-secret.atlassian.net",
      JIRA_USERNAME: "golden-secret",
      JIRA_API_TOKEN: "golden-secret",
      CONFLUENCE_URL: "https://golden-secret.atlassian.net/wiki",
      CONFLUENCE_USERNAME: "golden-secret",
      CONFLUENCE_API_TOKEN: "golden-secret",
    },
  },
};
const keyFile = { "google-cloud": { SERVICE_ACCOUNT_KEY: "golden-secret" } };

/** Servers of other people, one in a file each. */
export const serverExamples: readonly string[] = readdirSync(join(root, "examples", "servers"))
  .filter((name) => name.endsWith(".yaml"))
  .map((name) => `examples/servers/${name.slice(0, -".yaml".length)}`)
  .sort();

/** The stack files under `examples`, without their ending. */
export const exampleStacks: readonly string[] = [
  "examples/studio/stack",
  "examples/todo/dev",
  "examples/todo/prod",
  "examples/ai-platform/stack",
  "examples/mesh/stack",
  ...serverExamples,
];

/** The file of a stack: `Pulumi.<stack>.yaml`, or the example's own. */
function stackFileOf(stack: string): string {
  return join(root, stack.includes("/") ? `${stack}.yaml` : `Pulumi.${stack}.yaml`);
}

/** The configuration in it, keyed by `namespace:name`. */
export function stackFile(stack: string): Record<string, unknown> {
  const text = readFileSync(stackFileOf(stack), "utf8");
  return (parse(text) as { config: Record<string, unknown> }).config;
}

function secretsOf(stack: string): Record<string, unknown> {
  if (stack === "examples/studio/stack") {
    const { databaseUrl, studioSecrets } = secret;
    return { databaseUrl, studioSecrets };
  }
  if (stack.includes("/")) return {};
  const extra = stack === "prod" ? keyFile : {};
  return { ...secret, serverSecrets: { ...secret.serverSecrets, ...extra } };
}

/** What the guard would ask the cluster for; `test/lab` has it ask a real one. */
function withoutClusters(own: Record<string, unknown>): Record<string, unknown> {
  const { allowed, forbidden, ...rest } = own;
  const places = Object.entries({ allowed, forbidden }).filter(([, value]) => value !== undefined);
  return {
    ...rest,
    ...Object.fromEntries(
      places.map(([key, value]) => [key, { ...(value as object), clusters: [] }]),
    ),
  };
}

/** Runs the program under the recorder with the configuration of a stack's file. */
export async function recordStack(stack: string): Promise<Recorder> {
  const own: Record<string, unknown> = {};
  const kubernetes: Record<string, string> = {};
  for (const [key, value] of Object.entries(stackFile(stack))) {
    const [namespace, name] = key.split(":", 2) as [string, string];
    if (namespace === "mcp-fleet") own[name] = value;
    else kubernetes[name] = String(value);
  }
  const { recorder } = await runProgram(
    { plain: withoutClusters(own), secret: secretsOf(stack), kubernetes },
    { stack: stack.replaceAll("/", "-") },
  );
  return recorder;
}
