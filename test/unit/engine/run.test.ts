import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { LockedStackError } from "@mcp-fleet/engine";
import { automationApi } from "@mcp-fleet/engine/dist/automation";
import { run } from "@mcp-fleet/engine/dist/run";
import { isUserError } from "@mcp-fleet/errors";
import type { EngineEvent, Stack } from "@pulumi/pulumi/automation";

const lock = (host: string): string =>
  `\n  file:///s/x.json: created by u@${host} (pid 7) at 2026-11-29T10:00:00Z`;
const refusal = `error: the stack is currently locked by 3 lock(s). Either wait\n${lock("gone-1")}${lock("gone-2")}${lock("laptop")}\n`;

/** A stack whose `up` fails. */
const failing = (stderr: string, events: readonly EngineEvent[] = []) => {
  const { CommandError } = automationApi(process.cwd()) as unknown as {
    CommandError: new (result: object) => Error;
  };
  // Like the Automation API's CommandResult: its message contains both streams, and the second one twice.
  const toString = (): string =>
    `code: 255\n stdout: \n stderr: ${stderr}\n err?: Error: ${stderr}\n`;
  const up = (options: { onEvent: (event: EngineEvent) => void }): Promise<never> => {
    events.forEach(options.onEvent);
    return Promise.reject(new CommandError({ stderr, toString }));
  };
  return {
    ...{ place: {}, directory: process.cwd() },
    name: () => Promise.resolve("prod"),
    automation: () => Promise.resolve({ up } as unknown as Stack),
    outputs: () => Promise.resolve({}),
  };
};

const lockedBy =
  (...hosts: string[]) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof LockedStackError);
    assert.deepEqual(error.hosts, hosts);
    return true;
  };

describe("an update that does not get the stack", () => {
  it("knows all locks, also those after the first lines", async () => {
    const stack = failing(refusal);
    await assert.rejects(
      run(stack, "up", { timeoutSeconds: 5 }),
      lockedBy("gone-1", "gone-2", "laptop"),
    );
  });

  it("knows them on a terminal, where the engine draws itself", async () => {
    const directory = mkdtempSync(join(tmpdir(), "mcp-fleet-run-"));
    const write = process.stderr.write.bind(process.stderr);
    try {
      const command = join(directory, "pulumi");
      writeFileSync(command, `#!/bin/sh\nprintf '%s' '${refusal}' >&2\nexit 255\n`);
      chmodSync(command, 0o755);
      const stack = { ...failing(""), place: { command } };
      let shown = "";
      process.stderr.write = (text: string | Uint8Array): boolean => {
        shown += String(text);
        return true;
      };
      await assert.rejects(
        run(stack, "up", { timeoutSeconds: 5, show: "display" }),
        lockedBy("gone-1", "gone-2", "laptop"),
      );
      assert.equal(shown, refusal);
    } finally {
      process.stderr.write = write;
      rmSync(directory, { recursive: true });
    }
  });

  it("is not one whose program says the same", async () => {
    const event = { diagnosticEvent: { severity: "error", message: refusal } } as EngineEvent;
    await assert.rejects(
      run(failing(refusal, [event]), "up", { timeoutSeconds: 5 }),
      (error: unknown) => isUserError(error) && !(error instanceof LockedStackError),
    );
  });
});
