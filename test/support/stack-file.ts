import { readFileSync } from "node:fs";
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

function stackFile(stack: string): Record<string, unknown> {
  const text = readFileSync(join(root, `Pulumi.${stack}.yaml`), "utf8");
  return (parse(text) as { config: Record<string, unknown> }).config;
}

/** Runs the program under the recorder with the configuration of `Pulumi.<stack>.yaml`. */
export async function recordStack(stack: string): Promise<Recorder> {
  const own: Record<string, unknown> = {};
  const kubernetes: Record<string, string> = {};
  for (const [key, value] of Object.entries(stackFile(stack))) {
    const [namespace, name] = key.split(":", 2) as [string, string];
    if (namespace === "mcp-fleet") own[name] = value;
    else kubernetes[name] = String(value);
  }
  const extra = stack === "prod" ? keyFile : {};
  const { recorder } = await runProgram(
    {
      plain: own,
      secret: { ...secret, serverSecrets: { ...secret.serverSecrets, ...extra } },
      kubernetes,
    },
    { stack },
  );
  return recorder;
}
