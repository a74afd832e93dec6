import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { basename } from "node:path";

import { UserError } from "@mcp-fleet/errors";

import type { StackConfig } from "./config";

/** A process in the system's list. */
export interface Process {
  readonly parent: number;
  readonly command: readonly string[];
}

/** Finds a process by its id; undefined when it is gone or may not be read. */
export type ProcessTable = (id: number) => Process | undefined;

/** Options that leave out steps or continue after a failed one, by name without dashes. */
const options = ["target", "t", "target-replace", "exclude", "continue-on-error"];
/** The same as environment variables, which the program inherits, and the one that saves no state until the end. */
const variables = ["PULUMI_CONTINUE_ON_ERROR", "PULUMI_SKIP_CHECKPOINTS"];
/** How many ancestors to check: the CLI starts the language host, which starts the program. */
const generations = 6;

/**
 * Refuses a run that would break the order between servers, rows and application: one of some resources only, or
 * one that continues after a failure.
 *
 * The engine does not pass its options to the program, so they are read from the command line of the `pulumi`
 * process among its ancestors. A program that the Automation API runs inline has none and is not checked.
 *
 * @throws UserError naming the option
 */
export function refusePartialRun(
  { settings, secrets }: Pick<StackConfig, "settings" | "secrets">,
  table: ProcessTable = systemProcesses,
  environment: NodeJS.ProcessEnv = process.env,
): void {
  if (!settings.cutover.enabled || secrets.databaseUrl === undefined) return;
  const set = variables.find((name) => /^(1|true)$/i.test(environment[name] ?? ""));
  const option = set ?? optionOf(commandOfCli(table) ?? []);
  if (option === undefined) return;
  throw new UserError(
    `${option} is not for a stack with a cutover: rows and application could be left on two sides of it.`,
    "Run it without; a server that is as configured is not touched by a whole run.",
  );
}

/** The first option of `pulumi up` or `pulumi preview` that makes the run a partial one. */
export function optionOf(command: readonly string[]): string | undefined {
  for (const word of command.slice(1)) {
    if (word === "--") return undefined;
    const [, dashes, name, value] = /^(--?)([a-z-]+)(?:=(.*))?$/.exec(word) ?? [];
    if (name === undefined || !options.includes(name) || value === "false") continue;
    if (dashes === (name.length === 1 ? "-" : "--")) return `${dashes}${name}`;
  }
  return undefined;
}

function commandOfCli(table: ProcessTable): readonly string[] | undefined {
  let id = process.ppid;
  for (let step = 0; step < generations; step++) {
    const found = table(id);
    if (found === undefined) return undefined;
    if (/^pulumi(\.exe)?$/.test(basename(found.command[0] ?? ""))) return found.command;
    id = found.parent;
  }
  return undefined;
}

/** From /proc, or `ps` where there is none. */
function systemProcesses(id: number): Process | undefined {
  try {
    if (process.platform === "linux") {
      const status = readFileSync(`/proc/${id}/status`, "utf8");
      const command = readFileSync(`/proc/${id}/cmdline`, "utf8").split("\0").slice(0, -1);
      return { parent: Number(/^PPid:\s*(\d+)/m.exec(status)?.[1] ?? 0), command };
    }
    const line = execFileSync("ps", ["-ww", "-o", "ppid=,args=", "-p", String(id)], {
      encoding: "utf8",
    });
    const [parent = "0", ...command] = line.trim().split(/\s+/);
    return { parent: Number(parent), command };
  } catch {
    return undefined;
  }
}
