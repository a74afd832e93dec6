import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { isUserError } from "@mcp-fleet/errors";
import { toolsLockText } from "@mcp-fleet/schema";
import * as pulumi from "@pulumi/pulumi";

import type { Recorder } from "../support/mocks";
import { fullStack, runProgram } from "../support/resources";

const cutover = "pulumi-nodejs:dynamic/mcp-fleet:Cutover";

type Fields = Record<string, unknown>;

const search = { description: "Finds issues.", inputSchema: { type: "object" } };

describe("a stack with a tools lock", () => {
  let directory = "";
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "mcp-fleet-lock-"));
    process.env.MCP_FLEET_STACK_FILE = join(directory, "Pulumi.dev.yaml");
  });
  afterEach(() => {
    delete process.env.MCP_FLEET_STACK_FILE;
    rmSync(directory, { recursive: true, force: true });
  });

  const lock = (text: string): void =>
    writeFileSync(join(directory, "Pulumi.dev.tools.json"), text);
  const withServers = (more: Fields) => {
    const { servers } = fullStack.plain as { servers: Record<string, Fields> };
    return {
      ...fullStack,
      plain: { ...fullStack.plain, servers: { ...servers, ...more } },
    };
  };
  const image = "registry.example/mcp-github:1.10.1";
  const targets = (recorder: Recorder): Fields[] => {
    const given = recorder.one(cutover, "llmctl-studio-rows").inputs.targets;
    return (
      pulumi.runtime.isRpcSecret(given) ? (given as { value: unknown }).value : given
    ) as Fields[];
  };

  it("holds cutover and gate to what it says, of the servers that it names", async () => {
    lock(toolsLockText({ github: { search } }));
    const config = withServers({ github: { image, gate: "start", tools: "exact" } });
    const { recorder } = await runProgram(config);
    const held = targets(recorder).filter((target) => target.lock !== undefined);
    assert.deepEqual(
      held.map(({ name, lock: own }) => [name, Object.keys((own as { tools: object }).tools)]),
      [["github", ["search"]]],
    );
    const gate = JSON.stringify(recorder.of("kubernetes:apps/v1:Deployment"));
    assert.match(gate, /\\"lock\\":\{\\"tools\\":\{\\"search\\"/);
    assert.match(gate, /\\"additions\\":false/);
    assert.ok(!JSON.stringify(held).includes("Finds issues"), "texts belong into the file alone");
  });

  it("holds nothing where there is none, and where tools is off", async () => {
    assert.ok(targets((await runProgram(fullStack)).recorder).every((one) => !("lock" in one)));
    lock(toolsLockText({ github: { search } }));
    const { recorder } = await runProgram(withServers({ github: { image, tools: "off" } }));
    assert.ok(targets(recorder).every((one) => !("lock" in one)));
  });

  it("refuses one that is none, one beyond maxTokens, and one too long for a gate", async () => {
    const message = async (more: Fields): Promise<string> => {
      const error: unknown = await runProgram(withServers(more)).catch((thrown: unknown) => thrown);
      assert.ok(isUserError(error), String(error));
      return error.message;
    };
    lock("[]");
    assert.match(await message({}), /Pulumi\.dev\.tools\.json\] is no tools lock of version 1/);
    lock(toolsLockText({ github: { search } }));
    assert.match(
      await message({ github: { image, tools: { maxTokens: 10 } } }),
      /\[servers\.github\.tools\.maxTokens\] is 10, and the tools in .* take some 2\d\./,
    );
    const many = Object.fromEntries(
      Array.from({ length: 1500 }, (_, at) => [`tool_${at}`, search]),
    );
    lock(toolsLockText({ github: many }));
    assert.match(
      await message({ github: { image, gate: "start" } }),
      /\[servers\.github\.tools\] has too many tools .*\n.*servers\.github\.gate off/,
    );
    // Each dollar sign takes six characters there.
    const dear = Object.fromEntries(
      Array.from({ length: 150 }, (_, at) => [`${"$".repeat(200)}${at}`, search]),
    );
    lock(toolsLockText({ github: dear }));
    assert.match(await message({ github: { image, gate: "start" } }), /has too many tools/);
  });

  it("takes what is at the file's name for a lock, though it cannot be read: nobody agreed to anything", async () => {
    const file = join(directory, "Pulumi.dev.tools.json");
    symlinkSync(join(directory, "moved.json"), file);
    const run = () => runProgram(withServers({ github: { image } }));
    await assert.rejects(run, /Pulumi\.dev\.tools\.json\] cannot be read: ENOENT/);
    rmSync(file);
    mkdirSync(file);
    await assert.rejects(run, /Pulumi\.dev\.tools\.json\] cannot be read: EISDIR/);
  });
});
