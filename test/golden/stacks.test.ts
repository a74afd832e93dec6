import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import * as pulumi from "@pulumi/pulumi";
import { parse, stringify } from "yaml";

import type { Recorder } from "../support/mocks";
import { runProgram } from "../support/resources";

const root = join(__dirname, "..", "..", "..");
const goldenDirectory = join(root, "test", "golden");

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

/** What the program registers for a stack, in an order of its own, without secrets and without what varies. */
async function dump(stack: string): Promise<string> {
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
  return resources(recorder)
    .map((one) => stringify(one, { lineWidth: 0, aliasDuplicateObjects: false }))
    .join("---\n");
}

function resources(recorder: Recorder): unknown[] {
  return recorder.resources
    .filter((one) => !one.type.startsWith("mcp-fleet:"))
    .map(({ type, name, inputs }) => ({ type, name, inputs: redact(inputs) }))
    .sort((a, b) => (`${a.type} ${a.name}` < `${b.type} ${b.name}` ? -1 : 1));
}

/** Secrets by a mark, the provider's text and the run's circumstances by their names. */
function redact(value: unknown): unknown {
  if (pulumi.runtime.isRpcSecret(value)) return "[secret]";
  if (Array.isArray(value)) return value.map(redact);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value)
    .filter(([key]) => !["__provider", "meta", "specHash", "toolVersion"].includes(key))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, redact(inner)]));
}

for (const stack of ["dev", "prod"]) {
  describe(`the ${stack} stack`, () => {
    it("registers what test/golden holds", async () => {
      const now = await dump(stack);
      assert.ok(!now.includes("golden-secret"), "a secret is in the dump");
      const file = join(goldenDirectory, `${stack}.yaml`);
      if (process.env.UPDATE_GOLDEN === "1") writeFileSync(file, now);
      assert.equal(
        now,
        readFileSync(file, "utf8"),
        `${stack} differs; look at the change and run again with UPDATE_GOLDEN=1`,
      );
    });
  });
}

describe("the stack files", () => {
  it("differ by data only: dev and prod are the same kinds of resources but for the database role", async () => {
    const kinds = async (stack: string): Promise<unknown[]> => {
      const types = new Set(
        [...(await dump(stack)).matchAll(/^type: (.*)$/gm)].map(([, type]) => type),
      );
      return [...types].filter((type) => !/postgresql|random/.test(type ?? "")).sort();
    };
    assert.deepEqual(await kinds("dev"), await kinds("prod"));
  });

  it("declare only keys that the program knows, with the schema's own defaults", async () => {
    const project = parse(readFileSync(join(root, "Pulumi.yaml"), "utf8")) as {
      config: Record<string, { type: string; default?: unknown; description?: string }>;
    };
    const { stackSchema } = await import("../../stacks/schema/index.js");
    const known = Object.keys(stackSchema.shape).sort();
    assert.deepEqual(Object.keys(project.config).sort(), known);
    const defaults = Object.entries(project.config)
      .filter(([, declared]) => declared.default !== undefined)
      .map(([key, declared]) => [key, declared.default]);
    const declared = stackSchema.parse({ namespace: "x", ...Object.fromEntries(defaults) });
    assert.deepEqual(declared, stackSchema.parse({ namespace: "x" }));
  });
});
