import { execFileSync } from "node:child_process";

import { isUserError, messageOf } from "@mcp-fleet/errors";
import * as pulumi from "@pulumi/pulumi";

import { removeAll } from "./deletions";
import { DynamicHandler } from "./dynamic";
import type { Handler } from "./handler";
import { addHistory } from "./history";
import { KubernetesHandler } from "./kubernetes/apply";
import { takeLock } from "./lock";
import { LabMonitor } from "./monitor";
import { PostgresqlHandler } from "./postgresql";
import { runEntryPoint } from "./program";
import { RandomHandler } from "./random";
import { type Job, Run } from "./run";
import { allCallsDone } from "./sdk";
import { State } from "./state";
import type { ProgressEvent, RunResult } from "./types";
import { isSecret, revealObject, withoutUnknowns } from "./wire";

/** From the child to its parent. */
export type ChildMessage =
  | { kind: "progress"; event: ProgressEvent }
  | { kind: "done"; result: RunResult }
  | { kind: "failed"; problem: string; fix: string };

const send = (message: ChildMessage): void => void process.send?.(message);

async function work(job: Job, cancel: AbortController): Promise<RunResult> {
  const unlock = job.mode === "preview" ? () => undefined : takeLock(job.stateFile);
  const startedAt = new Date().toISOString();
  try {
    const state = new State(job.stateFile, job.stack, job.statePassphrase);
    const run = new Run(job, state, cancel.signal, (event) => send({ kind: "progress", event }));
    redact = (text) => state.vault.redact(text);
    const handlers: Handler[] = [
      new KubernetesHandler(run),
      new DynamicHandler(run),
      new RandomHandler(run),
      new PostgresqlHandler(run),
    ];
    let failure: Error | undefined;
    try {
      if (job.mode !== "destroy") await runProgram(job, run, handlers, cancel);
      await removeAll(run, handlers);
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
    }
    if (job.mode !== "preview") {
      if (failure === undefined) state.outputs = run.outputs;
      state.save();
    }
    const version = job.mode === "preview" ? undefined : record(job, run, startedAt, failure);
    if (failure !== undefined) throw failure;
    return resultOf(run, version);
  } finally {
    unlock();
  }
}

/** Runs the program to its end, or to the first failure with the steps then under way finished. */
async function runProgram(
  job: Job,
  run: Run,
  handlers: readonly Handler[],
  cancel: AbortController,
): Promise<void> {
  const monitor = new LabMonitor(run, handlers);
  const stop = (error: unknown): void => {
    monitor.stop(error instanceof Error ? error : new Error(messageOf(error)));
  };
  process.on("unhandledRejection", stop);
  process.on("uncaughtException", stop);
  process.once("beforeExit", () => stop(new Error("it waits for a value that never comes")));
  cancel.signal.addEventListener("abort", () => stop(run.interrupted()));
  await monitor.attach();
  pulumi.runtime.setAllConfig(
    Object.fromEntries(Object.entries(job.config).map(([key, item]) => [key, item.value])),
    Object.keys(job.config).filter((key) => job.config[key]?.secret === true),
  );
  const program = pulumi.runtime
    .runInPulumiStack(() => runEntryPoint(job.projectDir) as Promise<Record<string, unknown>>)
    .then(() => allCallsDone());
  try {
    await Promise.race([program, monitor.failed]);
    if (pulumi.log.hasErrors()) throw new Error("it logged an error");
  } catch (error) {
    stop(error);
    await monitor.idle();
    throw await monitor.failed.catch((first: unknown) => first);
  }
}

function record(job: Job, run: Run, startedAt: string, failure: Error | undefined): number {
  const commit = commitOf(job.projectDir);
  return addHistory(run.state, {
    mode: job.mode === "destroy" ? "destroy" : "up",
    result: failure === undefined ? "succeeded" : "failed",
    startedAt,
    endedAt: new Date().toISOString(),
    changes: run.changes,
    config: job.config,
    ...(commit === undefined ? {} : { commit }),
    ...(failure === undefined ? {} : { message: messageOf(failure) }),
  });
}

function commitOf(directory: string): string | undefined {
  try {
    const output = execFileSync("git", ["-C", directory, "rev-parse", "HEAD"], {
      timeout: 2000,
      stdio: ["ignore", "pipe", "ignore"],
    });
    return output.toString().trim();
  } catch {
    return undefined;
  }
}

function resultOf(run: Run, version: number | undefined): RunResult {
  return {
    changes: run.changes,
    outputs: withoutUnknowns(revealObject(run.outputs)),
    secretOutputs: Object.keys(run.outputs).filter((key) => isSecret(run.outputs[key])),
    registered: run.exposed,
    warnings: run.warnings,
    ...(version === undefined ? {} : { version }),
  };
}

let redact = (text: string): string => text;

/** The error as two sentences. A program's own mistake also gets the first line of its stack that is not a library's. */
function describe(error: unknown): ChildMessage {
  if (isUserError(error)) {
    return { kind: "failed", problem: redact(error.problem), fix: redact(error.fix) };
  }
  if (error instanceof Error && "__pulumiRunError" in error) {
    const [problem = "", ...rest] = error.message.split("\n");
    return { kind: "failed", problem: redact(problem), fix: redact(rest.join("\n")) };
  }
  const stack = error instanceof Error ? (error.stack ?? "").split("\n") : [];
  const place = stack.find((line) => /^\s+at /.test(line) && !/node_modules|node:/.test(line));
  const where = place === undefined ? "" : ` (${place.trim()})`;
  return {
    kind: "failed",
    problem: redact(`The program failed: ${messageOf(error)}${where}`),
    fix: "Correct the cause and run it again: what was done is kept in the state.",
  };
}

/** What the program prints goes to a log, so secrets are taken out of it. */
function redactOutput(stream: NodeJS.WriteStream): void {
  const write = stream.write.bind(stream) as (chunk: unknown, ...rest: unknown[]) => boolean;
  stream.write = (chunk: unknown, ...rest: unknown[]) =>
    write(typeof chunk === "string" ? redact(chunk) : chunk, ...rest);
}

function start(): void {
  redactOutput(process.stdout);
  redactOutput(process.stderr);
  const cancel = new AbortController();
  const interrupt = (): void => cancel.abort();
  process.on("SIGTERM", interrupt);
  process.on("SIGINT", interrupt);
  process.on("disconnect", interrupt);
  process.on("message", (message: { kind: "job"; job: Job } | { kind: "cancel" }) => {
    if (message.kind === "cancel") return interrupt();
    void work(message.job, cancel)
      .then((result): ChildMessage => ({ kind: "done", result }))
      .catch(describe)
      .then((last) => {
        const code = last.kind === "done" ? 0 : 1;
        if (process.send === undefined || !process.connected) process.exit(code);
        process.send(last, undefined, undefined, () => process.exit(code));
      });
    // So that a program that waits for nothing ends instead of hanging.
    process.channel?.unref();
  });
}

start();
