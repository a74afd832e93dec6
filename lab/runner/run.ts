import { UserError } from "@mcp-fleet/errors";

import type { Context } from "./handler";
import type { State } from "./state";
import type { Change, Op, ProgressEvent, RegisteredResource, RunnerConfig } from "./types";
import type { JsonObject } from "./wire";
import { collectSecrets, revealObject } from "./wire";

/** What the child process is told to do: the run's options without the parts that only live in the parent. */
export interface Job {
  mode: "preview" | "up" | "destroy";
  projectDir: string;
  project: string;
  stack: string;
  config: RunnerConfig;
  kubeconfig?: string;
  stateFile: string;
  statePassphrase: string;
}

/** What one run gathers. */
export class Run implements Context {
  readonly preview: boolean;
  readonly project: string;
  readonly stack: string;
  readonly config: RunnerConfig;
  readonly kubeconfig?: string;
  readonly registered = new Set<string>();
  readonly providers = new Map<string, JsonObject>();
  readonly changes: Change[] = [];
  readonly exposed: RegisteredResource[] = [];
  readonly warnings: string[] = [];
  /** Titles of the steps that have begun and not ended. */
  private readonly underWay = new Set<string>();
  outputs: JsonObject = {};

  constructor(
    job: Job,
    readonly state: State,
    readonly signal: AbortSignal,
    private readonly progress: (event: ProgressEvent) => void,
  ) {
    this.preview = job.mode === "preview";
    this.project = job.project;
    this.stack = job.stack;
    this.config = job.config;
    if (job.kubeconfig !== undefined) this.kubeconfig = job.kubeconfig;
    for (const item of Object.values(job.config)) {
      if (item.secret === true) learnConfig(state, item.value);
    }
  }

  providerInputs(urn: string | undefined): JsonObject | undefined {
    if (urn === undefined) return undefined;
    const stored = this.state.resources.get(urn)?.inputs;
    return this.providers.get(urn) ?? (stored === undefined ? undefined : revealObject(stored));
  }

  /** Keeps the secrets in `value` out of logs and files from now on. */
  learn(value: JsonObject): void {
    const texts = new Set<string>();
    collectSecrets(value, texts);
    texts.forEach((text) => this.state.vault.learn(text));
  }

  warn(text: string): void {
    if (!this.warnings.includes(text)) this.warnings.push(text);
  }

  /** Starts a step's clock; what it returns tells how the step ended. */
  timed(type: string, name: string): (op: Op, note?: ProgressEvent["note"]) => void {
    const started = Date.now();
    const short = type.split(":").at(-1) ?? type;
    const title = `${short} ${name}`;
    this.underWay.add(title);
    return (op, note) => {
      this.underWay.delete(title);
      this.progress({
        op,
        type: short,
        name,
        seconds: (Date.now() - started) / 1000,
        ...(note === undefined ? {} : { note }),
      });
    };
  }

  /** What a run that is ended early ends with. */
  interrupted(): UserError {
    const steps = [...this.underWay];
    return new UserError(
      `The run was interrupted${steps.length === 0 ? "" : ` during: ${steps.join(", ")}`}.`,
      "Run it again: what was done is kept in the state.",
    );
  }
}

/** A secret object's single values are secrets too, and so is the password of a connection string. */
function learnConfig(state: State, value: string): void {
  state.vault.learn(value);
  try {
    const password = new URL(value).password;
    state.vault.learn(password);
    state.vault.learn(decodeURIComponent(password));
  } catch {
    // Not a URL.
  }
  try {
    JSON.parse(value, (_key, item: unknown) => {
      if (typeof item === "string") state.vault.learn(item);
      return item;
    });
  } catch {
    // Not JSON.
  }
}
