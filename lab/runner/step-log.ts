import { appendFileSync, existsSync, readFileSync, rmSync } from "node:fs";

import type { Json } from "./wire";

/** What one step did to the state, sealed. */
export interface Step {
  readonly order: number;
  /** The resource it made or changed. */
  readonly put?: Json;
  /** The URN it took away. */
  readonly removed?: string;
  /** What is replaced and not removed yet, as it is after the step. */
  readonly superseded: Json;
}

/**
 * The steps since the state file was last written whole, a line each: a large stack would spend its time on writing all
 * resources after each of them.
 */
export class StepLog {
  constructor(private readonly file: string) {}

  get exists(): boolean {
    return existsSync(this.file);
  }

  append(step: Step): void {
    appendFileSync(this.file, `${JSON.stringify(step)}\n`, { mode: 0o600 });
  }

  /** A last line without its end was being written when the process was killed: that step is not known. */
  read(): Step[] {
    if (!this.exists) return [];
    const lines = readFileSync(this.file, "utf8").split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line) as Step);
  }

  clear(): void {
    rmSync(this.file, { force: true });
  }
}
