import type { RunOptions, RunResult } from "../runner/types";

export type EngineRequest = Omit<RunOptions, "mode" | "stateFile" | "project"> & {
  /** Pulumi project name. */
  readonly project: string;
  /** Directory for state, generated config and logs of the engine. */
  readonly runDir: string;
};

export interface StackOutputs {
  /** Secrets in clear. */
  readonly outputs: Readonly<Record<string, unknown>>;
  /** Names of the outputs that must not be printed. */
  readonly secretOutputs: readonly string[];
}

/** What carries out the program: the Pulumi CLI, or the lab runner. Both do the same to the same stack of the lab. */
export interface Engine {
  /** `pulumi CLI v3.x.y` or `lab runner`. */
  readonly name: string;
  /** The Pulumi CLI's path or name, when it is the CLI. */
  readonly command?: string;
  /** Why it is this one, when it is not the CLI. */
  readonly reason?: string;
  preview(request: EngineRequest): Promise<RunResult>;
  up(request: EngineRequest): Promise<RunResult>;
  destroy(request: EngineRequest): Promise<RunResult>;
  /** The outputs of the last successful `up`; empty when there was none. */
  outputs(request: EngineRequest): Promise<StackOutputs>;
}
