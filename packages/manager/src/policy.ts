import { UserError } from "@mcp-fleet/errors";

/** What the manager's clients may do. */
export interface ManagerPolicy {
  /** Whether `stop_mcp` takes `force`. */
  readonly allowForceStop: boolean;
  /** Names of the servers that may be changed. @default every server of the namespace */
  readonly servers?: readonly string[];
  /** Whether a server may be brought to no replica: without it there is no `stop_mcp`, and `scale_mcp` starts at 1. */
  readonly allowScaleToZero: boolean;
}

/** Refuses before anything is asked of the cluster: not every right of the account can be narrowed to names. */
export function checkManaged({ servers }: ManagerPolicy, name: string): void {
  if (servers === undefined || servers.includes(name)) return;
  throw new UserError(
    `The server ${JSON.stringify(name.slice(0, 80))} is not one that this manager changes.`,
    servers.length === 0
      ? "It changes none; have whoever runs it name the servers."
      : `It changes ${servers.join(", ")}; have whoever runs it name another.`,
  );
}

export function forceIsOff(): UserError {
  return new UserError(
    "Ending pods without their grace period is switched off in this manager.",
    "Call stop_mcp without force, or have whoever runs the manager allow it.",
  );
}
