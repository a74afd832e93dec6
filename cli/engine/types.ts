import type { CutoverResources, StackConfig, Update } from "@mcp-fleet/operations";

/** What the next update would do. */
export interface Preview {
  readonly resources: CutoverResources;
  /** Resources by what would be done to them; `same` is left out. */
  readonly changes: Readonly<Record<string, number>>;
}

/** A secret to be put in the stack's configuration: `["mcp-fleet:serverSecrets", "github", "TOKEN"]` and its value. */
export interface SecretSetting {
  readonly path: readonly [string, ...string[]];
  readonly value: string;
}

/** What runs the program and keeps its state and history: the Pulumi CLI with any backend, or the lab. */
export interface Engine {
  /** For messages. */
  readonly name: string;
  /** The resources as the last update left them. @throws UserError when the stack has no Cutover */
  resources(): Promise<CutoverResources>;
  /** @param config in place of the stack's own; nothing is kept of it */
  preview(config?: StackConfig): Promise<Preview>;
  /** Finished updates, oldest first. */
  history(): Promise<readonly Update[]>;
  /** What the stack is configured with now, secrets in clear. */
  config(): Promise<StackConfig>;
  /** The commit of the program that would run; undefined where git does not say. */
  commit(): Promise<string | undefined>;
  /**
   * Makes `config` the stack's own and runs an update. Its progress goes to standard error.
   * @param message why, for the stack's history
   */
  update(config: StackConfig, message?: string): Promise<void>;
  /** @throws UserError when a value that is there already would be lost */
  setSecrets(settings: readonly SecretSetting[]): Promise<void>;
  /** The commands that return to an update whose program is another one. */
  commandsTo(update: Update): string[];
}
