import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, isAbsolute, join } from "node:path";

import type { InlineProgramArgs, PulumiCommand, Stack } from "@pulumi/pulumi/automation";

import type { StackPlace } from "./types";

/** Opens a stack for the Automation API, which is loaded only here: it takes a third of a second. */
export async function automationStack(
  workDir: string,
  stackName: string,
  place: Called,
  { create = false } = {},
): Promise<Stack> {
  const { LocalWorkspace } = await import("@pulumi/pulumi/automation/index.js");
  const options = await optionsFor(place);
  const where = { stackName, workDir };
  return create
    ? LocalWorkspace.createOrSelectStack(where, options)
    : LocalWorkspace.selectStack(where, options);
}

type Called = Pick<StackPlace, "command" | "env">;

/** A stack whose program is a function of this process; it is made unless it is there. */
export async function inlineStack(args: InlineProgramArgs, place: Called): Promise<Stack> {
  const { LocalWorkspace } = await import("@pulumi/pulumi/automation/index.js");
  return LocalWorkspace.createOrSelectStack(args, await optionsFor(place));
}

const optionsFor = async ({ command = "pulumi", env = {} }: Called) => ({
  pulumiCommand: await commandAt(command),
  envVars: { NO_COLOR: "1", ...env },
});

/** The Automation API looks for `pulumi` on PATH, or for `bin/pulumi` under a root; any other path is linked to one. */
async function commandAt(command: string): Promise<PulumiCommand> {
  const { PulumiCommand } = await import("@pulumi/pulumi/automation/index.js");
  if (!isAbsolute(command)) return PulumiCommand.get();
  if (basename(command) === "pulumi" && basename(dirname(command)) === "bin") {
    return PulumiCommand.get({ root: dirname(dirname(command)) });
  }
  const root = mkdtempSync(join(tmpdir(), "mcp-fleet-pulumi-"));
  process.once("exit", () => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, "bin"));
  symlinkSync(command, join(root, "bin", "pulumi"));
  return PulumiCommand.get({ root });
}
