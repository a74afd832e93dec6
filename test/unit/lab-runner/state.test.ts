import assert from "node:assert/strict";
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { State, type StoredResource } from "../../../lab/runner/state";
import { secret } from "../../../lab/runner/wire";

const passphrase = "unit test";
const token = "token-that-nobody-may-read";

const resource = (name: string, text = ""): Omit<StoredResource, "order"> => ({
  ...{ urn: `urn:${name}`, type: "t", name, custom: true, id: name },
  ...{ inputs: { text, token: secret(token) }, outputs: {}, dependencies: [] },
});

describe("lab runner: state", () => {
  let directory: string;
  let file: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "mcp-fleet-state-"));
    file = join(directory, "state.json");
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const open = (): State => new State(file, "test", passphrase);
  const texts = (): string[] =>
    [...open().resources.values()].map(({ name, inputs }) => `${name} ${inputs.text as string}`);
  const steps = (): string => readFileSync(`${file}.steps`, "utf8");

  it("knows every step of a process that was killed, but the one it was writing", () => {
    const state = open();
    for (const name of ["a", "b", "c"]) state.put(resource(name));
    state.put(resource("b", "changed"));
    const [a] = state.resources.values();
    assert.ok(a !== undefined);
    state.remove(a);
    appendFileSync(`${file}.steps`, '{"order":9,"removed":"urn:c');
    assert.deepEqual(texts(), ["b changed", "c "]);

    const next = open();
    next.put(resource("d"));
    next.put(resource("e"));
    assert.deepEqual(texts(), ["b changed", "c ", "d ", "e "]);
    next.save();
    assert.ok(!existsSync(`${file}.steps`));
    assert.deepEqual(texts(), ["b changed", "c ", "d ", "e "]);
  });

  it("knows what is replaced and waits for its removal", () => {
    const state = open();
    state.put(resource("a"));
    const [old] = state.resources.values();
    assert.ok(old !== undefined);
    state.superseded.push(old);
    state.put(resource("a", "new"));
    assert.deepEqual(
      open().superseded.map(({ inputs }) => inputs.text),
      [""],
    );
    state.remove(old);
    assert.deepEqual([open().superseded, texts()], [[], ["a new"]]);
  });

  it("writes a step once, and no secret, for nobody but its owner", () => {
    const state = open();
    state.put(resource("a"));
    state.put(resource("b"));
    const written = steps();
    state.put(resource("b"));
    assert.equal(steps(), written);
    assert.match(written, /"urn:b"/);
    assert.ok(!written.includes(token));
    assert.equal(statSync(`${file}.steps`).mode & 0o077, 0);
  });
});
