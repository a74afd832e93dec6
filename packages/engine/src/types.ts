import type { CutoverResources, StackConfig } from "@mcp-fleet/operations";

/** Which stack of which project, and how the CLI is called. */
export interface StackPlace {
  /** A directory of the project. @default the current one */
  readonly directory?: string;
  /** @default the one that is selected, or PULUMI_STACK */
  readonly stack?: string;
  /** The CLI: a path, or a name on PATH. @default "pulumi" */
  readonly command?: string;
  /** Set beside the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Interrupts running commands, as Ctrl-C does. */
  readonly signal?: AbortSignal;
}

export type Op = "create" | "update" | "replace" | "delete" | "same";

/** A change of a resource, done or previewed. Components and providers are left out. */
export interface Change {
  readonly urn: string;
  readonly type: string;
  readonly op: Op;
}

/** A resource in state or in a preview. */
export interface StateResource {
  readonly urn: string;
  readonly type: string;
  readonly custom?: boolean;
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly outputs?: Readonly<Record<string, unknown>>;
}

/** What the next update would do. */
export interface Preview {
  readonly changes: readonly Change[];
  /** All resources after the update, unchanged ones too; secrets in clear. */
  readonly resources: readonly StateResource[];
  readonly warnings: readonly string[];
  /** Messages of the program; among them what happens to each row. */
  readonly notes: readonly string[];
}

/** What an update did. */
export interface Done {
  readonly changes: readonly Change[];
  /** The stack's outputs, secrets in clear. */
  readonly outputs: Readonly<Record<string, unknown>>;
}

/** How an update is run. */
export interface RunOptions {
  /** Why, for the stack's history. */
  readonly message?: string;
  /**
   * What is shown of it: the engine's own live display, which needs a terminal; a line for each step, to `onLine`; or
   * nothing. @default "lines" where `onLine` is given, else "nothing"
   */
  readonly show?: "display" | "lines" | "nothing";
  readonly onLine?: (line: string) => void;
  /** Ends it as Ctrl-C does: steps under way end, nothing new starts. */
  readonly signal?: AbortSignal;
  /** Seconds after which it is ended in the same way. @default 3600 */
  readonly timeoutSeconds?: number;
}

/** A secret for the stack's configuration: `["mcp-fleet:serverSecrets", "github", "TOKEN"]` and its value. */
export interface SecretSetting {
  readonly path: readonly [string, ...string[]];
  readonly value: string;
}

export type { CutoverResources, StackConfig };
