import { isDeepStrictEqual } from "node:util";

import type { LedgerState } from "@mcp-fleet/row-cutover";

/** One configuration value. A secret is in plain text: for comparing and for a rollback, never for output. */
export interface ConfigValue {
  /** Text, or the parsed JSON of an object or list. */
  readonly value: unknown;
  readonly secret: boolean;
}

/** A stack's configuration by full key, such as `mcp-fleet:target`. */
export type StackConfig = Readonly<Record<string, ConfigValue>>;

/** One finished update of a stack, from the engine's history. */
export interface Update {
  /** 1 for the first. */
  readonly version: number;
  readonly kind: string;
  readonly succeeded: boolean;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly endedAt: string;
  readonly commit?: string;
  /** Whether the work tree had uncommitted changes. */
  readonly dirty?: boolean;
  readonly message?: string;
  /** Number of resources by operation; `same` is omitted. */
  readonly changes: Readonly<Record<string, number>>;
  readonly config: StackConfig;
}

/** One value that differs between two configurations. The texts are safe to show. */
export interface ConfigChange {
  /** Path of the value, such as `mcp-fleet:servers.github.image`. */
  readonly path: string;
  readonly from?: string;
  readonly to?: string;
}

/** An update with its changes, for a list. */
export interface ListedUpdate extends Omit<Update, "config"> {
  /** The rows' generation when it ended; undefined when the ledger was not read. */
  readonly generation?: number;
  /** Whether it changed rows. */
  readonly moved: boolean;
  /** Compared with the previous update. Empty for the first. */
  readonly configChanges: readonly ConfigChange[];
}

/** The clocks of ledger (the database's) and engine may differ a little. */
const clockSkewMs = 2000;

/**
 * @param updates oldest first
 * @param runs of the ledger; undefined when it was not read
 * @returns newest first
 */
export function listUpdates(
  updates: readonly Update[],
  runs: readonly LedgerState[] | undefined,
): ListedUpdate[] {
  return updates
    .map((update, index): ListedUpdate => {
      const { config, ...rest } = update;
      const before = updates[index - 1];
      const until = runs?.filter((run) => at(run.committedAt) <= at(update.endedAt) + clockSkewMs);
      const generation =
        until === undefined ? undefined : Math.max(0, ...until.map((run) => run.generation));
      return {
        ...rest,
        ...(generation === undefined ? {} : { generation }),
        moved:
          until?.some((run) => at(run.committedAt) >= at(update.startedAt) - clockSkewMs) ?? false,
        configChanges: before === undefined ? [] : compareConfig(before.config, config),
      };
    })
    .reverse();
}

function at(time: string): number {
  return new Date(time).getTime();
}

/** Compares each value; of a secret only that it differs. */
export function compareConfig(from: StackConfig, to: StackConfig): ConfigChange[] {
  const [before, after] = [leavesOf(from), leavesOf(to)];
  const paths = [...new Set([...before.keys(), ...after.keys()])].sort();
  return paths.flatMap((path) => {
    const [a, b] = [before.get(path), after.get(path)];
    if (isDeepStrictEqual(a?.value, b?.value)) return [];
    return [
      {
        path,
        ...(a === undefined ? {} : { from: shown(a) }),
        ...(b === undefined ? {} : { to: shown(b) }),
      },
    ];
  });
}

/** Every single value of a configuration by its path. An empty object counts as a value. */
export function leavesOf(config: StackConfig): Map<string, ConfigValue> {
  const leaves = new Map<string, ConfigValue>();
  const walk = (path: string, value: unknown, secret: boolean): void => {
    const members = typeof value === "object" && value !== null ? Object.entries(value) : [];
    if (members.length === 0) leaves.set(path, { value, secret });
    for (const [name, inner] of members)
      walk(pathTo(path, name, Array.isArray(value)), inner, secret);
  };
  for (const [key, { value, secret }] of Object.entries(config)) walk(key, value, secret);
  return leaves;
}

/** The path of a member, as `pulumi config set --path` takes it. */
export function pathTo(path: string, name: string, inArray: boolean): string {
  if (inArray) return `${path}[${name}]`;
  return /^[\w-]+$/.test(name) ? `${path}.${name}` : `${path}[${JSON.stringify(name)}]`;
}

function shown({ value, secret }: ConfigValue): string {
  if (secret) return "(secret)";
  return typeof value === "string" ? value : JSON.stringify(value);
}
