import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { withProjectConfig } from "../../../lab/runner/project-config";
import { loadStackConfig } from "../../../lab/runner/stack-config";

describe("lab runner: config", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "config-"));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it("reads a stack file, objects as JSON text, and names a key that is encrypted", () => {
    const file = join(directory, "Pulumi.dev.yaml");
    writeFileSync(
      file,
      "encryptionsalt: v1:x\nconfig:\n  p:name: web\n  p:count: 2\n  p:list: [a]\n  p:deep: {a: {secure: v1:y}}\n",
    );
    assert.throws(() => loadStackConfig(file), /The config key p:deep in .* is encrypted/);
    assert.deepEqual(loadStackConfig(file, { "p:deep": { value: "{}", secret: true } }), {
      "p:name": { value: "web" },
      "p:count": { value: "2" },
      "p:list": { value: '["a"]' },
      "p:deep": { value: "{}", secret: true },
    });
  });

  it("adds the project's defaults and checks types as the CLI does", () => {
    const yaml = `name: p
config:
  target: {type: string, default: embedded}
  servers: {type: object, default: {}}
  keys: {type: array, items: {type: string}, default: [a]}
  replicas: {type: integer, default: 1}
  create: {type: boolean, default: true}
  namespace: {type: string}
  token: {type: string, secret: true, default: none}
  kubernetes:context: {value: lab}
`;
    writeFileSync(join(directory, "Pulumi.yaml"), yaml);
    const apply = (config: Record<string, string>, lenient = false) =>
      withProjectConfig(
        directory,
        "p",
        Object.fromEntries(Object.entries(config).map(([key, value]) => [`p:${key}`, { value }])),
        lenient,
      );
    assert.throws(() => apply({}), /config key namespace is not set/);
    assert.deepEqual(apply({ namespace: "n", replicas: "2" }), {
      "p:namespace": { value: "n" },
      "p:replicas": { value: "2" },
      "p:target": { value: "embedded" },
      "p:servers": { value: "{}" },
      "p:keys": { value: '["a"]' },
      "p:create": { value: "true" },
      "p:token": { value: "none" },
      "kubernetes:context": { value: "lab" },
    });
    for (const [key, value, type] of [
      ["servers", "text", "object"],
      ["servers", "[]", "object"],
      ["keys", "[1]", "array"],
      ["replicas", "1.5", "integer"],
      ["create", "yes", "boolean"],
    ] as const) {
      const wrong = new RegExp(`config key ${key} must be of type ${type}`);
      assert.throws(() => apply({ namespace: "n", [key]: value }), wrong);
      assert.doesNotThrow(() => apply({ [key]: value }, true));
    }
    assert.throws(() => apply({ namespace: "n", token: "x" }), /token must be a secret/);
  });
});
