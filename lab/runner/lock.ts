import { UserError } from "@mcp-fleet/errors";

import { tryLock } from "../lock";

/**
 * Takes the lock beside a state file and returns what gives it back. A lock whose process is gone is taken over.
 *
 * @throws UserError that names the process holding it.
 */
export function takeLock(stateFile: string): () => void {
  const attempt = tryLock(`${stateFile}.lock`);
  if ("release" in attempt) return attempt.release;
  const { holder } = attempt;
  throw new UserError(
    `Another run (${holder === undefined ? "just starting" : `process ${holder.pid}, since ${holder.since}`}) is using the state file ${stateFile}.`,
    "Wait for it to end, or end it, and try again.",
  );
}
