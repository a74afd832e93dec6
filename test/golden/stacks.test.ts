import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import * as pulumi from "@pulumi/pulumi";
import { parse, stringify } from "yaml";

import type { Recorder } from "../support/mocks";
import { exampleStacks, recordStack, root } from "../support/stack-file";

const goldenDirectory = join(root, "test", "golden");

/** What the program registers for a stack, in an order of its own, without secrets and without what varies. */
async function dump(stack: string): Promise<string> {
  const recorder = await recordStack(stack);
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

for (const stack of ["dev", "prod", ...exampleStacks]) {
  describe(`the ${stack} stack`, () => {
    it("registers what test/golden holds", async () => {
      const now = await dump(stack);
      assert.ok(!now.includes("golden-secret"), "a secret is in the dump");
      const file = join(goldenDirectory, `${stack.replaceAll("/", "-")}.yaml`);
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
    const { stackSchema } = await import("@mcp-fleet/schema");
    const known = Object.keys(stackSchema.shape).sort();
    assert.deepEqual(Object.keys(project.config).sort(), known);
    const defaults = Object.entries(project.config)
      // Empty text stands for none.
      .filter(([, declared]) => declared.default !== undefined && declared.default !== "")
      .map(([key, declared]) => [key, declared.default]);
    const declared = stackSchema.parse({ namespace: "x", ...Object.fromEntries(defaults) });
    // A key that is undefined is as one that is not there.
    const bare = (settings: unknown): unknown => JSON.parse(JSON.stringify(settings));
    assert.deepEqual(bare(declared), bare(stackSchema.parse({ namespace: "x" })));
  });
});
