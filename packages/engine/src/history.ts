import type { StackConfig, Update } from "@mcp-fleet/operations";

import { jsonOf } from "./process";

/** One entry of `pulumi stack history --json`. */
interface HistoryEntry {
  readonly version?: number;
  readonly kind: string;
  readonly result: string;
  readonly startTime: string;
  readonly endTime?: string;
  readonly message?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly resourceChanges?: Readonly<Record<string, number>>;
  readonly config?: Readonly<
    Record<string, { value?: string; objectValue?: unknown; secret?: boolean }>
  >;
}

/** Finished updates, oldest first. Where the backend gives no numbers they are counted. */
export function updatesOf(text: string): Update[] {
  const entries = jsonOf<HistoryEntry[] | null>("pulumi stack history --json", text) ?? [];
  return entries
    .map((entry, index): Update => {
      const { git, dirty } = {
        git: entry.environment?.["git.head"],
        dirty: entry.environment?.["git.dirty"],
      };
      const { same: _same, ...changes } = entry.resourceChanges ?? {};
      const numbered = entry.version !== undefined && entry.version > 0;
      return {
        version: numbered ? (entry.version ?? 0) : entries.length - index,
        kind: entry.kind,
        succeeded: entry.result === "succeeded",
        startedAt: entry.startTime,
        endedAt: entry.endTime ?? entry.startTime,
        ...(git === undefined || git === "" ? {} : { commit: git }),
        ...(dirty === "true" ? { dirty: true } : {}),
        ...(entry.message === undefined || entry.message === "" ? {} : { message: entry.message }),
        changes,
        config: configOf(entry),
      };
    })
    .reverse();
}

function configOf({ config = {} }: HistoryEntry): StackConfig {
  return Object.fromEntries(
    Object.entries(config).map(([key, { value, objectValue, secret }]) => [
      key,
      { value: objectValue ?? value ?? "", secret: secret === true },
    ]),
  );
}
