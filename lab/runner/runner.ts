import { type ChildProcess, fork } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

import { UserError } from "@mcp-fleet/errors";
import { parse } from "yaml";

import type { ChildMessage } from "./child";
import { withProjectConfig } from "./project-config";
import type { Job } from "./run";
import type { ProgressEvent, RunOptions, RunResult } from "./types";

export type * from "./types";

/**
 * Runs the unmodified Pulumi program of `projectDir` in a process of its own and really applies what it registers.
 * A preview writes nothing anywhere. A failed run leaves in the state file what was done before.
 *
 * @throws UserError with the reason the run failed; it holds no secret.
 */
export async function runProgram(options: RunOptions): Promise<RunResult> {
  const projectDir = resolve(options.projectDir);
  const project = options.project ?? projectName(projectDir);
  const lenient = options.mode === "destroy";
  const job: Job = {
    mode: options.mode,
    projectDir,
    project,
    stack: options.stack,
    config: withProjectConfig(projectDir, project, options.config, lenient),
    stateFile: resolve(options.stateFile),
    statePassphrase: options.statePassphrase,
    ...(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig }),
  };
  const child = fork(join(__dirname, "child.js"), [], {
    cwd: projectDir,
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    // No source maps: reading them is a fifth of a run that changes nothing.
    execArgv: [],
    env: {
      // Compiled code of the SDK is kept from run to run: a quarter of a second of each.
      NODE_COMPILE_CACHE: join(tmpdir(), "node-compile-cache"),
      ...process.env,
      PULUMI_NODEJS_ROOT_DIRECTORY: projectDir,
    },
  });
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on("line", (line) => options.log.info(line));
  }
  return await settled(child, job, options);
}

function settled(child: ChildProcess, job: Job, options: RunOptions): Promise<RunResult> {
  const timeoutSeconds = options.timeoutSeconds ?? 1800;
  return new Promise((resolvePromise, reject) => {
    let last: Exclude<ChildMessage, { kind: "progress" }> | undefined;
    let kill: NodeJS.Timeout | undefined;
    let timedOut = false;
    const cancel = (): void => {
      if (child.connected) child.send({ kind: "cancel" });
      kill ??= setTimeout(() => child.kill("SIGKILL"), (options.graceSeconds ?? 30) * 1000);
    };
    const limit = setTimeout(() => {
      timedOut = true;
      cancel();
    }, timeoutSeconds * 1000);
    options.signal?.addEventListener("abort", cancel, { once: true });
    child.on("message", (message: ChildMessage) => {
      if (message.kind === "progress") report(message.event, options);
      else last = message;
    });
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(limit);
      clearTimeout(kill);
      options.signal?.removeEventListener("abort", cancel);
      if (last?.kind === "done") return resolvePromise(last.result);
      if (timedOut) {
        const where = last?.kind === "failed" ? ` ${last.problem}` : "";
        const what = `The run did not end within ${timeoutSeconds} seconds.${where}`;
        return reject(new UserError(what, "Run it again: what was done is kept in the state."));
      }
      if (last?.kind === "failed") return reject(new UserError(last.problem, last.fix));
      const how = signal === null ? `with exit code ${code ?? 0}` : `by ${signal}`;
      const what = `The process that runs the program ended ${how} before the run was over.`;
      reject(new UserError(what, "Run it again: what was done is kept in the state."));
    });
    child.send({ kind: "job", job });
    if (options.signal?.aborted === true) cancel();
  });
}

function report(event: ProgressEvent, options: RunOptions): void {
  options.onProgress?.(event);
  if (event.op === "same" && event.note === undefined) return;
  const note = event.note === undefined ? "" : ` (${event.note})`;
  const time = event.seconds >= 0.05 ? `  ${event.seconds.toFixed(1)} s` : "";
  options.log.info(`${event.op} ${event.type} ${event.name}${note}${time}`);
}

/** The project's name in `Pulumi.yaml`, else in `package.json`. */
function projectName(projectDir: string): string {
  for (const name of ["Pulumi.yaml", "Pulumi.yml", "package.json"]) {
    const file = join(projectDir, name);
    if (!existsSync(file)) continue;
    const content = parse(readFileSync(file, "utf8")) as { name?: unknown } | null;
    if (typeof content?.name === "string") return content.name;
  }
  throw new UserError(
    `${projectDir} has no Pulumi.yaml with a project name.`,
    "Give the directory of the Pulumi project.",
  );
}
