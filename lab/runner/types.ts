import type { Log } from "../log";

/** What happened, or in a preview would happen, to one resource. */
export type Op = "create" | "update" | "delete" | "same";

/** Stack configuration, keyed by `namespace:name`. An object is given as its JSON text, as Pulumi does. */
export type RunnerConfig = Readonly<
  Record<string, { readonly value: string; readonly secret?: boolean }>
>;

export interface RunOptions {
  readonly mode: "preview" | "up" | "destroy";
  /** Directory of the program's `package.json`; its `main` (or `exports`) is what runs. */
  readonly projectDir: string;
  /** Pulumi project name. Default: `name` in `<projectDir>/Pulumi.yaml`, else in `package.json`. */
  readonly project?: string;
  readonly stack: string;
  readonly config: RunnerConfig;
  /** Path of a kubeconfig file, used where the program names none. Without it, `kubernetes:*` resources fail. */
  readonly kubeconfig?: string;
  /** The state file; its lock and `history/` lie beside it. */
  readonly stateFile: string;
  /** Encrypts every secret in the state and history. */
  readonly statePassphrase: string;
  readonly log: Log;
  /** Aborting lets the running steps end, starts no new one and fails the run. */
  readonly signal?: AbortSignal;
  /** How long they may take to end, in seconds, before the process is killed. Default 30. */
  readonly graceSeconds?: number;
  /** The whole run ends with an error after this many seconds. Default 1800. */
  readonly timeoutSeconds?: number;
  /** Called as each resource is done. */
  readonly onProgress?: (event: ProgressEvent) => void;
}

export interface ProgressEvent {
  readonly op: Op;
  /** The last part of the type token, such as `Deployment`. */
  readonly type: string;
  readonly name: string;
  readonly seconds: number;
  /** `failed` when the step failed, `replaced` when a new object took the old one's place. */
  readonly note?: "failed" | "replaced";
}

export interface Change {
  readonly urn: string;
  readonly type: string;
  readonly op: Op;
}

/** A dynamic resource as the program registered it: secrets in clear. In memory only. */
export interface RegisteredResource {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Names of the inputs that are left out, because a preview does not know all of them. */
  readonly unknown: readonly string[];
}

export interface RunResult {
  /** In the order in which they were done; components are not listed. */
  readonly changes: readonly Change[];
  /** Stack outputs, secrets in clear. In a preview, unknown ones are left out. */
  readonly outputs: Readonly<Record<string, unknown>>;
  /** Names of the outputs that must not be printed. */
  readonly secretOutputs: readonly string[];
  readonly registered: readonly RegisteredResource[];
  /** What a preview could not look at. */
  readonly warnings: readonly string[];
  /** Number of the history entry this run wrote; undefined for a preview. */
  readonly version?: number;
}
