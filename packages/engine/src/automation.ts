import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, delimiter, dirname, join, resolve, sep } from "node:path";

import { UserError } from "@mcp-fleet/errors";
import type * as api from "@pulumi/pulumi/automation";
import type { InlineProgramArgs, PulumiCommand, Stack } from "@pulumi/pulumi/automation";

import { call, cannotStart } from "./process";
import type { StackPlace } from "./types";

/**
 * The SDK's Automation API, as the project itself has it: then it fits the project's SDK, and is no part of the packed
 * command line. Loaded only where it is needed, because that takes a third of a second.
 *
 * @throws UserError when the project has none
 */
export function automationApi(directory: string): typeof api {
  for (const from of [join(directory, "package.json"), __filename]) {
    try {
      return createRequire(from)("@pulumi/pulumi/automation") as typeof api;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") throw error;
    }
  }
  throw new UserError(
    `The project in ${directory} has no @pulumi/pulumi, by which its stack is read.`,
    `Install its packages: npm ci --prefix ${directory}`,
  );
}

/**
 * Opens a stack for the Automation API. Which stack a person has selected stays as it is: the API by itself would select
 * this one for the next `pulumi up` of a shell.
 */
export async function automationStack(
  workDir: string,
  stackName: string,
  place: Called,
  { create = false } = {},
): Promise<Stack> {
  const { LocalWorkspace, Stack } = automationApi(workDir);
  const options = await optionsFor(workDir, place);
  const workspace = await LocalWorkspace.create({ workDir, ...options });
  workspace.selectStack = () => Promise.resolve();
  if (create) {
    const { code, stderr } = await call({
      command: place.command ?? "pulumi",
      args: ["stack", "init", stackName, "--no-select", "--non-interactive"],
      cwd: workDir,
      env: options.envVars,
      timeoutSeconds: 60,
    });
    if (code !== 0 && !stderr.includes("already exists")) {
      throw new UserError(
        `The stack ${stackName} cannot be made: ${stderr.trim()}`,
        "Correct the cause, then run it again.",
      );
    }
  }
  return Stack.select(stackName, workspace);
}

type Called = Pick<StackPlace, "command" | "env">;

/** A stack whose program is a function of this process; it is made unless it is there. */
export async function inlineStack(args: InlineProgramArgs, place: Called): Promise<Stack> {
  const { LocalWorkspace } = automationApi(process.cwd());
  return LocalWorkspace.createOrSelectStack(args, await optionsFor(process.cwd(), place));
}

const optionsFor = async (directory: string, { command = "pulumi", env = {} }: Called) => ({
  pulumiCommand: await commandAt(directory, command),
  envVars: { NO_COLOR: "1", ...env },
});

/** The Automation API looks for `pulumi` on PATH, or for `bin/pulumi` under a root; any other path is linked to one. */
async function commandAt(directory: string, command: string): Promise<PulumiCommand> {
  const { PulumiCommand } = automationApi(directory);
  // The API says of a command that is not there no more than a number.
  if (!existsSync(pathOf(command))) throw cannotStart(command, "it is not on PATH");
  if (command === "pulumi") return PulumiCommand.get();
  if (basename(command) === "pulumi" && basename(dirname(command)) === "bin") {
    return PulumiCommand.get({ root: dirname(dirname(command)) });
  }
  const root = mkdtempSync(join(tmpdir(), "mcp-fleet-pulumi-"));
  process.once("exit", () => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, "bin"));
  symlinkSync(pathOf(command), join(root, "bin", "pulumi"));
  return PulumiCommand.get({ root });
}

function pathOf(command: string): string {
  if (command.includes(sep)) return resolve(command);
  const places = (process.env.PATH ?? "").split(delimiter).map((place) => join(place, command));
  return places.find((place) => existsSync(place)) ?? command;
}
