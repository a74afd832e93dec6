import type { UserError } from "@mcp-fleet/errors";
import { ApiError, UnreachableError } from "@mcp-fleet/kube";

/** Exit codes. `docs/cli.md` lists them too; keep both in step. */
export const exitCodes = {
  /** Done, or there was nothing to do. */
  ok: 0,
  /** It could not be done; the message says why. */
  failed: 1,
  /** The command line or a configuration value is wrong; nothing was asked of cluster or database. */
  usage: 2,
  /** There is no such server, namespace or stack. */
  notFound: 3,
  /** Not in time. What was asked for may still happen. */
  timeout: 4,
  /** The Kubernetes API refused: credentials, rights, or another status. */
  refused: 5,
  /** The Kubernetes API or the database cannot be reached. */
  unreachable: 6,
  /** The command worked and found something wrong: drift, a server that does not answer. */
  findings: 10,
  /** A defect of this program. */
  bug: 70,
  /** Another run holds the stack, or the same one failed a moment ago: the same command may succeed later. */
  later: 75,
  /** Ended by Ctrl-C. */
  interrupted: 130,
} as const;

/** The exit code for a UserError: by its class, else the error's own code. */
export function exitCodeOf(error: UserError): number {
  if (error instanceof UnreachableError) return exitCodes.unreachable;
  if (error instanceof ApiError) {
    return error.status === 404 ? exitCodes.notFound : exitCodes.refused;
  }
  return error.exitCode;
}
