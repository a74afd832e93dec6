import { CommandError } from "@pulumi/pulumi/automation";

import { findEngine, type Installation } from "../../lab/engine";
import { consoleLog } from "../../lab/log";

let found: Promise<Installation> | undefined;

/** The engine that the lab uses, looked for once. A machine that can have none is a failure. */
export function testEngine(): Promise<Installation> {
  found ??= findEngine(consoleLog());
  return found;
}

/** How a command of the CLI ended. */
export interface Ended {
  readonly exitCode: number | undefined;
  /** What it said, both streams as they came. */
  readonly said: string;
}

/** What the CLI said in a run that was to fail. */
export async function failureOf(run: Promise<unknown>): Promise<string> {
  try {
    await run;
  } catch (error) {
    if (error instanceof CommandError) return error.message;
    throw error;
  }
  throw new Error("the run was to fail and did not");
}
