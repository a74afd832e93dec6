import * as pulumi from "@pulumi/pulumi";

import { Recorder, type RecorderOptions } from "./mocks";

/** A stack's configuration: objects are JSON, as the engine passes them. */
export interface TestConfig {
  readonly plain: Readonly<Record<string, unknown>>;
  readonly secret?: Readonly<Record<string, unknown>>;
  readonly kubernetes?: Readonly<Record<string, string>>;
}

/** Runs the whole program under the recorder and waits until every resource is registered. */
export async function runProgram(
  config: TestConfig,
  options: RecorderOptions = {},
): Promise<{ recorder: Recorder; outputs: Record<string, unknown> }> {
  const recorder = await Recorder.install(options);
  // The program asks its cluster for the namespace; here it must find none, whatever this machine has.
  process.env.KUBECONFIG = "/nowhere/kubeconfig";
  setConfig(config);
  const program = (await import("../../index.js")).default;
  const outputs = await program();
  await pulumi.runtime.disconnect();
  return { recorder, outputs };
}

/** Makes `config` what `pulumi.Config` reads. */
export function setConfig(config: TestConfig): void {
  const text = (value: unknown): string =>
    typeof value === "string" ? value : JSON.stringify(value);
  const all: Record<string, string> = {};
  for (const [key, value] of Object.entries({ ...config.plain, ...config.secret })) {
    all[`mcp-fleet:${key}`] = text(value);
  }
  for (const [key, value] of Object.entries(config.kubernetes ?? {})) {
    all[`kubernetes:${key}`] = value;
  }
  const secretKeys = Object.keys(config.secret ?? {}).map((key) => `mcp-fleet:${key}`);
  pulumi.runtime.setAllConfig(all, secretKeys);
}

/** A stack with all five servers, Studio and a database, as in the lab. */
export const fullStack: TestConfig = {
  plain: {
    target: "in-cluster",
    namespace: "llmctl",
    servers: {
      "llmctl-mcp": { image: "registry.example/llmctl-mcp:1.4.2" },
      github: { image: "registry.example/mcp-github:1.10.1" },
      atlassian: {},
      chroma: { image: "registry.example/mcp-chroma:0.2.6" },
      "google-cloud": { image: "registry.example/mcp-google-cloud:0.5.3" },
    },
    studio: {
      images: {
        embedded: "registry.example/studio:1.0.0",
        "in-cluster": "registry.example/studio:2.0.0",
      },
    },
    consumers: [{ name: "executor", labels: { "llmctl.executor": "true" } }],
    probe: { image: "registry.example/mcp-probe:0.1.0" },
  },
  secret: {
    databaseUrl: "postgresql://app:dsn-secret@db.example:5432/studio",
    studioSecrets: { DATABASE_URL: "postgresql://studio:own-secret@db.example:5432/studio" },
    serverSecrets: {
      github: { GITHUB_PERSONAL_ACCESS_TOKEN: "pat-secret" },
      atlassian: {
        JIRA_URL: "https://example.atlassian.net",
        JIRA_USERNAME: "bot@example.com",
        JIRA_API_TOKEN: "jira-secret",
      },
    },
  },
};
