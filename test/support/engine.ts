import { CommandError } from "@pulumi/pulumi/automation";

import { findEngine, type Installation } from "../../lab/engine";
import { consoleLog } from "../../lab/log";

let found: Promise<Installation> | undefined;

/** The engine that the lab uses, determined once. A machine without one is a failure. */
export function testEngine(): Promise<Installation> {
  found ??= findEngine(consoleLog());
  return found;
}

/** How a command of the CLI ended. */
export interface Ended {
  readonly exitCode: number | undefined;
  /** Its output, both streams in order. */
  readonly said: string;
}

/** The output of a run that is expected to fail. */
export async function failureOf(run: Promise<unknown>): Promise<string> {
  try {
    await run;
  } catch (error) {
    if (error instanceof CommandError) return error.message;
    throw error;
  }
  throw new Error("the run was to fail and did not");
}
