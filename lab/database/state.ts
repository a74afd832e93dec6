import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** What a later call needs to find the database again. Kept with mode 0600 in the run directory. */
export interface State {
  readonly dir: string;
  readonly port: number;
  readonly listen: readonly string[];
  /** What the data is, in words. */
  readonly holds: string;
  readonly passwords: { superuser: string; application: string; cutover: string };
}

export function stateFile(runDir: string): string {
  return join(runDir, "database.json");
}

export function readState(runDir: string): State | undefined {
  const file = stateFile(runDir);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as State) : undefined;
}

export function writeState(runDir: string, state: State): void {
  mkdirSync(dirname(stateFile(runDir)), { recursive: true });
  writeFileSync(stateFile(runDir), `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
}

/** Random passwords that need no escaping in SQL or in a URL. */
export function newPasswords(): State["passwords"] {
  const password = (): string => randomBytes(24).toString("hex");
  return { superuser: password(), application: password(), cutover: password() };
}
