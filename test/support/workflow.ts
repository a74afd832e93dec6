import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

import { quoted } from "@mcp-fleet/errors";
import { parse } from "yaml";

import type { Reader } from "./walk";

/** Values of the contexts of GitHub's expressions: `vars`, `github`, `inputs`, ... */
type Contexts = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

interface Workflow {
  readonly env?: Record<string, string>;
  readonly jobs: Record<string, Job>;
}

interface Job {
  readonly if?: string;
  readonly needs?: string | readonly string[];
  readonly uses?: string;
  readonly with?: Record<string, string>;
  readonly env?: Record<string, string>;
  readonly environment?: string;
  readonly strategy?: { readonly matrix: Record<string, readonly string[]> };
  readonly steps?: readonly Step[];
}

interface Step {
  readonly name?: string;
  readonly if?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Record<string, unknown>;
  readonly env?: Record<string, string>;
}

/** What a run of a workflow left. */
export interface WorkflowRun {
  /** The job that failed, with the end of what it said. */
  readonly failed?: { readonly job: string; readonly output: string };
  /** The jobs that ran, as `file/job`, with what their matrix chose behind it. */
  readonly jobs: readonly string[];
  /** The environments whose rules would have held a job back, in the jobs' order. */
  readonly environments: readonly string[];
  /** The job summaries, one after the other. */
  readonly summary: string;
  /** What `comment-on-pr` would have written. */
  readonly comments: readonly string[];
  /** Names of the artefacts that were kept. */
  readonly artefacts: readonly string[];
}

/**
 * Runs the workflow files of a checkout as far as they can be run away from their host: every `run` step in a shell, calls
 * of pulumi/actions as the commands that its Automation API gives the CLI, artefacts in a directory. Steps that fetch the
 * checkout, install Node.js or log in are left out: they are what the surroundings have done. A step that it does not know
 * fails the test.
 */
export class WorkflowRunner {
  private readonly kept = mkdtempSync(join(tmpdir(), "mcp-fleet-workflow-"));
  private readonly done = new Set<string>();

  constructor(
    private readonly reader: Reader,
    private readonly contexts: Contexts,
  ) {}

  close(): void {
    rmSync(this.kept, { recursive: true, force: true });
  }

  /** @param name of the file, without its ending */
  async run(name: string, inputs: Readonly<Record<string, string>> = {}): Promise<WorkflowRun> {
    const run = new Run(this.reader, this.kept, this.done);
    await run.workflow(name, { ...this.contexts, inputs });
    return run.result();
  }
}

class Run {
  private readonly jobs: string[] = [];
  private readonly environments: string[] = [];
  private readonly comments: string[] = [];
  private readonly artefacts: string[] = [];
  private failure: WorkflowRun["failed"];
  private readonly summaryFile: string;

  /** @param done what was run in this checkout once, and need not be again */
  constructor(
    private readonly reader: Reader,
    private readonly kept: string,
    private readonly done: Set<string>,
  ) {
    this.summaryFile = join(kept, "summary.md");
    writeFileSync(this.summaryFile, "");
  }

  result(): WorkflowRun {
    const { jobs, environments, comments, artefacts, failure } = this;
    const summary = readFileSync(this.summaryFile, "utf8");
    return {
      ...{ jobs, environments, comments, artefacts, summary },
      ...(failure === undefined ? {} : { failed: failure }),
    };
  }

  /** @returns whether all its jobs passed */
  async workflow(name: string, contexts: Contexts): Promise<boolean> {
    const file = join(this.reader.directory, ".github", "workflows", `${name}.yml`);
    const { jobs, env = {} } = parse(readFileSync(file, "utf8")) as Workflow;
    const passed = new Set<string>();
    for (const [job, body] of Object.entries(jobs)) {
      const needs = [body.needs ?? []].flat();
      if (!needs.every((one) => passed.has(one))) continue;
      if (body.if !== undefined && !isTrue(body.if, contexts)) continue;
      if (await this.matrix(name, job, body, { ...contexts, env: filled(env, contexts) }))
        passed.add(job);
    }
    return passed.size === Object.keys(jobs).length;
  }

  private async matrix(file: string, name: string, job: Job, contexts: Contexts): Promise<boolean> {
    const [[key = "", values = [undefined]] = []] = Object.entries(job.strategy?.matrix ?? {});
    let all = true;
    for (const value of values) {
      const chosen: Contexts = value === undefined ? {} : { matrix: { [key]: value } };
      const label = [`${file}/${name}`, ...(value === undefined ? [] : [value])].join(" ");
      if (!(await this.job(label, job, { ...contexts, ...chosen }))) all = false;
    }
    return all;
  }

  private async job(label: string, job: Job, contexts: Contexts): Promise<boolean> {
    this.jobs.push(label);
    if (job.uses !== undefined) {
      const inputs = filled(job.with ?? {}, contexts);
      return this.workflow(basename(job.uses, ".yml"), { ...contexts, inputs });
    }
    if (job.environment !== undefined) this.environments.push(expand(job.environment, contexts));
    const env = { ...contexts.env, ...filled(job.env ?? {}, contexts) };
    let passed = true;
    for (const step of job.steps ?? []) {
      if (step.if === undefined ? !passed : step.if !== "always()" && !isTrue(step.if, contexts))
        continue;
      const { exitCode, output } = await this.step(step, { ...contexts, env });
      if (exitCode === 0) continue;
      passed = false;
      this.failure ??= { job: label, output: output.slice(-4000) };
    }
    return passed;
  }

  private async step(step: Step, contexts: Contexts): Promise<Ended> {
    const given = filled(step.with ?? {}, contexts);
    if (step.run !== undefined) return this.script(step.run, { ...step.env }, contexts);
    const action = step.uses?.split("@")[0] ?? "";
    switch (action) {
      case "actions/checkout":
      case "actions/setup-node":
      case "pulumi/auth-actions":
        return passed;
      case "actions/upload-artifact":
        return this.keep(given);
      case "actions/download-artifact":
        cpSync(join(this.kept, given.name ?? ""), this.reader.directory, { recursive: true });
        return passed;
      case "pulumi/actions":
        return this.pulumi(given, contexts);
      default:
        throw new Error(`the test knows no step ${action}`);
    }
  }

  /** A fresh machine installs and builds each time; one checkout does so once. */
  private async script(
    run: string,
    env: Record<string, string>,
    contexts: Contexts,
  ): Promise<Ended> {
    const isSetUp = /^npm (ci|run build)$/.test(run);
    if (isSetUp && this.done.has(run)) return passed;
    this.done.add(run);
    const all = {
      ...contexts.env,
      ...filled(env, contexts),
      GITHUB_STEP_SUMMARY: this.summaryFile,
    };
    const set = Object.entries(all).map(([name, value]) => `${name}=${quoted(String(value))}`);
    return this.reader.type(`env ${set.join(" ")} bash -e -c ${quoted(run)}`);
  }

  private keep({ name = "", path = "" }: Record<string, string>): Ended {
    this.artefacts.push(name);
    const from = join(this.reader.directory, path);
    cpSync(from, join(this.kept, name, path), { recursive: true });
    // The next job has another machine.
    rmSync(from, { recursive: true });
    return passed;
  }

  /** As its Automation API calls the CLI; without a command it only installs it. */
  private async pulumi(given: Record<string, string>, contexts: Contexts): Promise<Ended> {
    const { command, "stack-name": stack = "", plan, message } = given;
    if (command === undefined) return passed;
    const words = [
      ...["pulumi", command, "--stack", stack, "--non-interactive"],
      ...(command === "up" ? ["--yes", "--skip-preview"] : []),
      ...(plan === undefined ? [] : [command === "up" ? "--plan" : "--save-plan", plan]),
      ...(given.policyPacks === undefined ? [] : ["--policy-pack", given.policyPacks]),
      ...(message === undefined ? [] : ["--message", message]),
      ...(given["suppress-outputs"] === "true" ? ["--suppress-outputs"] : []),
    ];
    const ended = await this.script(words.map(quoted).join(" "), {}, contexts);
    if (given["comment-on-pr"] === "true") this.comments.push(ended.output);
    if (given["comment-on-summary"] === "true")
      writeFileSync(this.summaryFile, ended.output, { flag: "a" });
    return ended;
  }
}

interface Ended {
  readonly exitCode: number;
  readonly output: string;
}

const passed: Ended = { exitCode: 0, output: "" };

const expand = (text: string, contexts: Contexts): string =>
  text.replaceAll(/\$\{\{ *([^}]+?) *\}\}/g, (_, path: string) => valueOf(path, contexts));

function filled(
  values: Readonly<Record<string, unknown>>,
  contexts: Contexts,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, expand(String(value), contexts)]),
  );
}

/** The value of `github.repository`; what is not there is empty, as with GitHub. */
function valueOf(path: string, contexts: Contexts): string {
  let value: unknown = contexts;
  for (const part of path.split("."))
    value = typeof value === "object" && value !== null ? Reflect.get(value, part) : undefined;
  return typeof value === "string" ? value : "";
}

/** `a.b == 'text'` and `a.b == c.d`, which is all that the files have. */
function isTrue(condition: string, contexts: Contexts): boolean {
  const sides = condition.split(" == ");
  if (sides.length !== 2) throw new Error(`the test knows no condition ${condition}`);
  const [left, right] = sides.map((side) =>
    side.startsWith("'") ? side.slice(1, -1) : valueOf(side.trim(), contexts),
  );
  return left === right;
}
