import assert from "node:assert/strict";

import { heldToTools } from "@mcp-fleet/cutover-runner/dist/tools-lock";

type Held = Parameters<typeof heldToTools>;

describe("cutover-runner: a run under a tools lock with no row to write", () => {
  const held = { name: "held", url: "http://held:8000/mcp", lock: { tools: {}, additions: true } };
  const free = { name: "free", url: "http://free:8000/mcp" };
  const ledger = { target: "in-cluster", runId: "r", toolsLock: "l1" } as Held[1];
  const asked = async (known: Held[1], toolsLock?: string): Promise<string[]> => {
    const names: string[] = [];
    const lock = toolsLock === undefined ? {} : { toolsLock };
    const inputs = { spec: {}, targets: [held, free], ...lock } as unknown as Held[2];
    // No database: nothing of the ledger changes here.
    await heldToTools({} as Held[0], known, inputs, (targets) => {
      names.push(...targets.map(({ name }) => name));
      return Promise.resolve([]);
    });
    return names;
  };

  it("asks the servers that it is about, though the ledger has the same lock: an image may be new", async () => {
    assert.deepEqual(await asked(ledger, "l1"), ["held"]);
  });

  it("asks nobody where nothing is agreed, or no row points at a server", async () => {
    const { toolsLock, ...without } = ledger ?? {};
    assert.equal(toolsLock, "l1");
    assert.deepEqual(await asked(without as Held[1]), []);
    assert.deepEqual(await asked({ ...ledger, target: "embedded" } as Held[1], "l1"), []);
    assert.deepEqual(await asked(undefined, "l1"), []);
  });
});
