import { UserError } from "@mcp-fleet/errors";

import {
  compareConfig,
  type ConfigChange,
  leavesOf,
  pathTo,
  type StackConfig,
  type Update,
} from "./updates";

/** The program that would run, as version control knows it. */
export interface Program {
  /** Undefined where nobody knows it. */
  readonly commit?: string;
  /** Files of it that were changed since that commit. Stack files are configuration, and none of them. */
  readonly changed: readonly string[];
}

/** What is known when a rollback is asked for. */
export interface RollbackRequest {
  /** Oldest first. */
  readonly updates: readonly Update[];
  /** What the stack is configured with now. */
  readonly config: StackConfig;
  /** The update to return to. @default the newest successful one with another configuration or commit than now */
  readonly to?: number;
  /** The program that would run. */
  readonly program: Program;
  /** Returns secret values too, which may have been rotated since. @default false: those of now stay */
  readonly withSecrets?: boolean;
  /** What happens to rows that somebody changed since: `fail`, `keep` or `force`. @default as that update had it */
  readonly onConflict?: string;
}

/** A way back to an earlier update of the stack. */
export interface RollbackPlan {
  readonly to: Update;
  /** The configuration to run with. Holds secrets. */
  readonly config: StackConfig;
  /** What that changes against now. Texts are safe to show. */
  readonly configChanges: readonly ConfigChange[];
  /** Paths of secrets that were others then, and stay as they are now. */
  readonly keptSecrets: readonly string[];
  /** Why the program that would run is not known to be the one that ran then; undefined where it is. */
  readonly otherProgram?: "unrecorded" | "other-commit" | "changed-here";
}

/** @throws UserError when there is no such update, or none to return to */
export function planRollback(request: RollbackRequest): RollbackPlan {
  const { config: now, program, withSecrets = false } = request;
  const to = request.to === undefined ? previous(request) : named(request, request.to);
  const then = withSecrets ? to.config : withSecretsOf(now, to.config);
  const config = request.onConflict === undefined ? then : withPolicy(then, request.onConflict);
  const kept = withSecrets ? [] : compareConfig(then, to.config).map(({ path }) => path);
  const otherProgram = differenceOf(to, program);
  return {
    to,
    config,
    configChanges: compareConfig(now, config),
    keptSecrets: kept,
    ...(otherProgram === undefined ? {} : { otherProgram }),
  };
}

/**
 * An update that the engine calls dirty is no other program by that: the engine counts stack files too, even new ones,
 * and changes to the program itself that are in no commit could not be had back anyway.
 */
function differenceOf(
  { commit }: Update,
  program: Program,
): RollbackPlan["otherProgram"] | undefined {
  if (commit === undefined) return "unrecorded";
  if (commit !== program.commit) return "other-commit";
  return program.changed.length > 0 ? "changed-here" : undefined;
}

function named({ updates }: RollbackRequest, version: number): Update {
  const found = updates.find((update) => update.version === version);
  const good = updates.filter(returnable).map((update) => update.version);
  if (found === undefined) {
    throw new UserError(
      `The stack's history has no update ${version}.`,
      good.length === 0
        ? "There is none to return to yet."
        : `Name one of those that succeeded: ${good.slice(-10).join(", ")}.`,
      { exitCode: 3 },
    );
  }
  if (!returnable(found)) {
    throw new UserError(
      `Update ${version} ${found.succeeded ? `was a ${found.kind}` : "failed"}, so there is nothing whole to return to.`,
      `Name one that succeeded: ${good.slice(-10).join(", ")}.`,
      { exitCode: 2 },
    );
  }
  return found;
}

function previous({ updates, config, program: { commit } }: RollbackRequest): Update {
  const found = updates.findLast(
    (update) =>
      returnable(update) &&
      (compareConfig(withSecretsOf(config, update.config), config).length > 0 ||
        (update.commit !== undefined && commit !== undefined && update.commit !== commit)),
  );
  if (found !== undefined) return found;
  throw new UserError(
    "The stack's history has no successful update with another configuration or commit than now.",
    "Look at mcp-fleet history, and name an update with --to.",
    { exitCode: 3 },
  );
}

function returnable(update: Update): boolean {
  return update.succeeded && update.kind === "update";
}

const cutoverKey = "mcp-fleet:cutover";

function withPolicy(config: StackConfig, onConflict: string): StackConfig {
  const cutover = config[cutoverKey]?.value;
  const value = { ...(typeof cutover === "object" ? cutover : {}), onConflict };
  return { ...config, [cutoverKey]: { secret: false, value } };
}

/** `then` with the secret values of `now` wherever both have one: a credential may have been rotated since. */
function withSecretsOf(now: StackConfig, then: StackConfig): StackConfig {
  const current = leavesOf(now);
  const merge = (path: string, value: unknown): unknown => {
    if (typeof value !== "object" || value === null) {
      const known = current.get(path);
      return known?.secret === true ? known.value : value;
    }
    const members = Object.entries(value).map(([name, inner]): [string, unknown] => [
      name,
      merge(pathTo(path, name, Array.isArray(value)), inner),
    ]);
    return Array.isArray(value) ? members.map(([, inner]) => inner) : Object.fromEntries(members);
  };
  return Object.fromEntries(
    Object.entries(then).map(([key, { value, secret }]) => [
      key,
      { secret, value: secret ? merge(key, value) : value },
    ]),
  );
}
