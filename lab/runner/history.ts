import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { type State, writeWhole } from "./state";
import type { Change, RunnerConfig } from "./types";
import { isObject, type Json, reveal, secret } from "./wire";

/** One finished `up` or `destroy`. */
export interface HistoryEntry {
  /** 1 for the first. */
  readonly version: number;
  readonly mode: "up" | "destroy";
  readonly result: "succeeded" | "failed";
  /** ISO 8601. */
  readonly startedAt: string;
  readonly endedAt: string;
  /** Commit of the program's directory, when it is a git work tree. */
  readonly commit?: string;
  /** First line of what went wrong. */
  readonly message?: string;
  readonly changes: readonly Change[];
  readonly config: RunnerConfig;
}

const directoryOf = (stateFile: string): string => join(dirname(stateFile), "history");

function versions(stateFile: string): number[] {
  const directory = directoryOf(stateFile);
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .map((name) => /^(\d+)\.json$/.exec(name)?.[1])
    .filter((version) => version !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
}

/** Adds an entry and returns its number. Secret config values are written as ciphertext. */
export function addHistory(state: State, entry: Omit<HistoryEntry, "version">): number {
  const version = (versions(state.file).at(-1) ?? 0) + 1;
  const config = Object.fromEntries(
    Object.entries(entry.config).map(([key, item]) => [
      key,
      item.secret === true ? { value: secret(item.value), secret: true } : { value: item.value },
    ]),
  );
  const content = { version, ...entry, config } as unknown as Json;
  writeWhole(join(directoryOf(state.file), `${version}.json`), state.vault.seal(content));
  return version;
}

/** Every entry, oldest first, with secret config values in clear: for a rollback, never for printing. */
export function readHistory(state: State): HistoryEntry[] {
  return versions(state.file).map((version) => {
    const file = join(directoryOf(state.file), `${version}.json`);
    const opened = reveal(state.vault.open(JSON.parse(readFileSync(file, "utf8")) as Json));
    if (!isObject(opened)) throw new Error(`${file} is not a history entry`);
    return opened as unknown as HistoryEntry;
  });
}
