import assert from "node:assert/strict";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import * as pulumi from "@pulumi/pulumi";

import { cutoverProvider, settleProvider } from "../../components/cutover/provider";

const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const dsn = "postgresql://app:dsn-secret@db.example/studio";

type Bag = Record<string, unknown>;
interface Loaded {
  configure(req: { config: { get(key: string): string | undefined } }): Promise<void>;
  diff(id: string, olds: Bag, news: Bag): Promise<Bag>;
  create(inputs: Bag): Promise<{ id: string; outs: Bag }>;
  update(id: string, olds: Bag, news: Bag): Promise<{ outs: Bag }>;
  read(id: string, props: Bag): Promise<{ id: string; props: Bag }>;
  delete(id: string, props: Bag): Promise<void>;
}

/** The text the SDK puts into state for a provider. */
async function textOf(provider: pulumi.dynamic.ResourceProvider): Promise<string> {
  const serialized = await pulumi.runtime.serializeFunction(() => provider, { allowSecrets: true });
  return serialized.text;
}

/**
 * Runs a provider's text as the SDK's provider host does (`require-from-string`, then `handler()`), from a
 * directory whose `@mcp-fleet/components/runner` is a recorder: what is tested here is the text, not the runner.
 */
async function load(provider: pulumi.dynamic.ResourceProvider, directory: string): Promise<Loaded> {
  const file = join(directory, `provider-${Math.random().toString(36).slice(2)}.cjs`);
  writeFileSync(file, await textOf(provider));
  const module = createRequire(join(directory, "index.js"))(file) as { handler(): Loaded };
  const loaded = module.handler();
  const config = new Map([
    ["mcp-fleet:databaseUrl", dsn],
    ["kubernetes:kubeconfig", "/tmp/kubeconfig"],
  ]);
  await loaded.configure({ config: { get: (key) => config.get(key) } });
  return loaded;
}

const fakeRunner = `
  const calls = [];
  const answer = (name, result) => async (inputs, credentials) => {
    calls.push({ name, inputs, credentials });
    if (globalThis.failRunner) {
      const error = new Error("the ledger cannot be read");
      error.stack = "Error: the ledger cannot be read\\n    at secret place";
      throw error;
    }
    return result;
  };
  module.exports = {
    calls,
    runCutoverStep: answer("cutover", { generation: 3, planHash: "p3", counts: { rewrite: 5 } }),
    runSettleStep: answer("settle", { generation: 3, settledAt: "now" }),
    dropFenceStep: answer("drop", "the fence is removed\\n"),
    observeStep: async (inputs, credentials) => {
      calls.push({ name: "observe", inputs, credentials });
      return globalThis.observed ?? { reached: true, generation: 3, pending: false };
    },
    serversRolling: async () => globalThis.observed?.rolling === true,
    readLedgerStep: answer("read", { generation: 4, target: "embedded", planHash: "p4" }),
  };
`;

describe("the dynamic providers as text", () => {
  let directory = "";
  let calls: { name: string; inputs: Bag; credentials: Bag }[] = [];
  const inputs = {
    target: "in-cluster",
    specHash: "s1",
    toolVersion: "0.1.0",
    meta: { who: "one" },
    spec: { name: "mcp-fleet/test" },
  };

  before(() => {
    directory = mkdtempSync(join(process.cwd(), "dist", "provider-text-"));
    const runner = join(directory, "node_modules", "@mcp-fleet", "components");
    mkdirSync(runner, { recursive: true });
    writeFileSync(join(runner, "runner.js"), fakeRunner);
    symlinkSync(
      join(process.cwd(), "node_modules", "@pulumi"),
      join(directory, "node_modules", "@pulumi"),
    );
    const require = createRequire(join(directory, "index.js"));
    calls = (require("@mcp-fleet/components/runner") as { calls: typeof calls }).calls;
  });
  beforeEach(() => {
    calls.length = 0;
  });
  after(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  it("are small, hold no secret and no path of this machine", async () => {
    for (const provider of [cutoverProvider, settleProvider]) {
      const text = await textOf(provider);
      assert.ok(Buffer.byteLength(text) < 8192, `${Buffer.byteLength(text)} bytes`);
      assert.ok(!text.includes("dsn-secret"));
      assert.ok(!text.includes(process.cwd()));
      assert.match(text, /require\("@mcp-fleet\/components\/runner"\)/);
    }
  });

  it("create and update hand over the configured credentials and keep them out of the outputs", async () => {
    const provider = await load(cutoverProvider, directory);
    const created = await provider.create(inputs);
    assert.equal(created.id, "cutover:mcp-fleet/test");
    assert.deepEqual(created.outs, {
      ...inputs,
      generation: 3,
      planHash: "p3",
      counts: { rewrite: 5 },
    });
    const updated = await provider.update(created.id, created.outs, inputs);
    assert.deepEqual(updated.outs, created.outs);
    assert.deepEqual(
      calls.map((call) => call.credentials),
      [
        { databaseUrl: dsn, kubeconfig: "/tmp/kubeconfig" },
        { databaseUrl: dsn, kubeconfig: "/tmp/kubeconfig" },
      ],
    );
  });

  it("prefer the cutover's own role where one was made", async () => {
    const provider = await load(cutoverProvider, directory);
    const own = { ...inputs, credentials: { databaseUrl: "postgresql://mcp_cutover:own@db/x" } };
    const created = await provider.create(own);
    assert.equal(calls[0]?.credentials.databaseUrl, "postgresql://mcp_cutover:own@db/x");
    await provider.read(created.id, created.outs);
    await provider.delete(created.id, created.outs);
    for (const { name, credentials } of calls)
      assert.equal(credentials.databaseUrl, "postgresql://mcp_cutover:own@db/x", name);
    assert.equal(calls.length, 3);
  });

  it("diff answers from plan, target, version and text only, tolerates unknowns, and never replaces (S8, S17)", async () => {
    const provider = await load(cutoverProvider, directory);
    const olds = { ...inputs, generation: 3, planHash: "p3", __provider: "text" };
    const cases: [Bag, boolean][] = [
      [{}, false],
      [{ meta: { who: "another", commit: "abc" } }, false],
      [{ specHash: "s2" }, true],
      [{ target: "embedded" }, true],
      [{ toolVersion: "0.2.0" }, true],
      [{ __provider: "new text" }, true],
      [{ specHash: unknown }, true],
      [{ spec: unknown, meta: unknown }, false],
    ];
    for (const [change, changes] of cases) {
      calls.length = 0;
      const answer = await provider.diff("id", olds, { ...inputs, __provider: "text", ...change });
      assert.deepEqual(answer, { changes }, JSON.stringify(change));
      const asked = !changes && change.spec !== unknown;
      assert.deepEqual(
        calls.map(({ name }) => name),
        asked ? ["observe"] : [],
        JSON.stringify(change),
      );
    }
  });

  it("diff finds another value of a header, which is in no hash, unless the rows go back", async () => {
    const provider = await load(cutoverProvider, directory);
    const spec = (value?: string): Bag => ({
      name: "mcp-fleet/test",
      rows: [{ key: "a" }, { key: "b", ...(value === undefined ? {} : { headers: { X: value } }) }],
    });
    const olds = { ...inputs, spec: spec("one"), generation: 3 };
    for (const [value, target, changes] of [
      ["one", "in-cluster", false],
      ["two", "in-cluster", true],
      [undefined, "in-cluster", true],
      ["two", "embedded", false],
    ] as const) {
      const news = { ...inputs, target, spec: spec(value) };
      const answer = await provider.diff("id", { ...olds, target }, news);
      assert.deepEqual(answer, { changes }, `${value} ${target}`);
    }
  });

  it("diff finds a ledger that is ahead of an imported state, and rows written since (S7, S16)", async () => {
    const provider = await load(cutoverProvider, directory);
    const olds = { ...inputs, generation: 3 };
    const cases: [Bag, Bag, boolean][] = [
      [{ reached: true, generation: 3, pending: false }, {}, false],
      [{ reached: true, generation: 5, pending: false }, {}, true],
      [{ reached: true, generation: 3, pending: true }, {}, true],
      [{ reached: true, pending: false }, {}, false],
      // An update without an answer continues to the run, which fails there; a preview works without.
      [{ reached: false, pending: false }, { live: true }, true],
      [{ reached: false, pending: false }, { live: false }, false],
      // A server that the engine reports as complete too early: the run waits for it; a preview does not check.
      [{ reached: true, generation: 3, pending: false, rolling: true }, { live: true }, true],
      [{ reached: true, generation: 3, pending: false, rolling: true }, { live: false }, false],
    ];
    try {
      for (const [observed, change, changes] of cases) {
        Object.assign(globalThis, { observed });
        const answer = await provider.diff("id", olds, { ...inputs, ...change });
        assert.deepEqual(answer, { changes }, JSON.stringify([observed, change]));
      }
      calls.length = 0;
      await provider.configure({ config: { get: () => undefined } });
      assert.deepEqual(await provider.diff("id", olds, inputs), { changes: false });
      assert.deepEqual(calls, [], "without a DSN there is nobody to ask");
    } finally {
      Object.assign(globalThis, { observed: undefined });
    }
  });

  it("read takes the ledger's word, and throws without a stack when there is none to be had (S16, S40)", async () => {
    const provider = await load(cutoverProvider, directory);
    const props = { ...inputs, generation: 3, planHash: "p3" };
    const { id, props: read } = await provider.read("cutover:x", props);
    assert.equal(id, "cutover:x");
    assert.deepEqual(read, {
      ...props,
      generation: 4,
      target: "embedded",
      planHash: "p4",
      specHash: "p4",
    });
    Object.assign(globalThis, { failRunner: true });
    try {
      await assert.rejects(provider.read("cutover:x", props), (error: Error) => {
        assert.equal(error.message, "the ledger cannot be read");
        return !(error.stack ?? "").includes("secret place");
      });
    } finally {
      Object.assign(globalThis, { failRunner: false });
    }
  });

  it("delete takes the write fence away and does nothing else (S15, S37)", async () => {
    for (const one of [cutoverProvider, settleProvider]) {
      calls.length = 0;
      const provider = await load(one, directory);
      await provider.delete("x", inputs);
      assert.deepEqual(
        calls.map(({ name, credentials }) => [name, credentials.databaseUrl]),
        [["drop", dsn]],
      );
      await provider.configure({ config: { get: () => undefined } });
      await provider.delete("x", inputs);
      assert.equal(calls[1]?.credentials, undefined, "a missing DSN must not fail a removal");
    }
  });

  it("settle runs again for another generation only", async () => {
    const provider = await load(settleProvider, directory);
    const news = { generation: 3, toolVersion: "0.1.0", spec: { name: "mcp-fleet/test" } };
    const created = await provider.create(news);
    assert.equal(created.id, "settle:mcp-fleet/test");
    assert.equal(created.outs.settledAt, "now");
    assert.deepEqual(await provider.diff("x", created.outs, news), { changes: false });
    assert.deepEqual(await provider.diff("x", created.outs, { ...news, generation: 4 }), {
      changes: true,
    });
    assert.deepEqual(await provider.diff("x", created.outs, { ...news, generation: unknown }), {
      changes: true,
    });
  });
});
