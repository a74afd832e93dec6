import { UserError } from "@mcp-fleet/errors";

import {
  compareConfig,
  type ConfigChange,
  leavesOf,
  pathTo,
  type StackConfig,
  type Update,
} from "./updates";

/** The program that would run, according to version control. */
export interface Program {
  /** Undefined where it is unknown. */
  readonly commit?: string;
  /** Its files that changed since that commit. Stack files are configuration and do not count. */
  readonly changed: readonly string[];
}

/** The input of a rollback. */
export interface RollbackRequest {
  /** Oldest first. */
  readonly updates: readonly Update[];
  /** The stack's current configuration. */
  readonly config: StackConfig;
  /** The update to return to. @default the newest successful one with another configuration or commit than now */
  readonly to?: number;
  /** The program that would run. */
  readonly program: Program;
  /**
   * Whether secret values are returned too, although they may have been rotated since.
   * @default false: the current ones stay
   */
  readonly withSecrets?: boolean;
  /**
   * What happens to rows that somebody changed since: `fail`, `keep` or `force`.
   * @default as in that update
   */
  readonly onConflict?: string;
}

/** How to return to an earlier update of the stack. */
export interface RollbackPlan {
  readonly to: Update;
  /** The configuration to run with. Contains secrets. */
  readonly config: StackConfig;
  /** The changes to the current configuration. Their texts are safe to show. */
  readonly configChanges: readonly ConfigChange[];
  /** Paths of secrets that had other values then, and stay as they are now. */
  readonly keptSecrets: readonly string[];
  /** Why the program that would run may differ from the one that ran then; undefined where it is the same. */
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
 * The engine calls an update dirty even for new stack files, and uncommitted changes to the program could not be
 * recovered anyway. So a dirty update counts as the same program.
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
      `Update ${version} ${found.succeeded ? `was a ${found.kind}` : "failed"}, so there is no complete state to return to.`,
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

/** `then` with the secret values of `now` where both have one: a credential may have been rotated since. */
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
