import { UserError } from "@mcp-fleet/errors";
import { type Kube, referenceOf, serverName } from "@mcp-fleet/kube";
import { readServer } from "@mcp-fleet/lifecycle";

/** What the manager's clients may do. */
export interface ManagerPolicy {
  /** Whether `stop_mcp` takes `force`. */
  readonly allowForceStop: boolean;
  /**
   * The servers that may be changed, by their keys or workloads.
   * @default every server of the namespace
   */
  readonly servers?: readonly string[];
  /** Whether a server may be scaled to zero. Otherwise there is no `stop_mcp`, and `scale_mcp` starts at 1. */
  readonly allowScaleToZero: boolean;
}

/**
 * The workload of a server that may be changed (`deployment/weather`), by any of its names. It refuses before
 * anything is written, because some of the account's rights cannot be restricted to names.
 * @throws {UserError} when there is no such server, or the manager may not change it
 */
export async function managedServer(
  { servers }: ManagerPolicy,
  kube: Kube,
  name: string,
): Promise<string> {
  if (servers === undefined) return name;
  const found = await readServer(kube, kube.namespace, name);
  const own = found.metadata?.name ?? "";
  // A Service's name does not count: anyone who can create a Service could give it another server's name.
  if (servers.includes(own) || servers.includes(serverName(found))) return referenceOf(found);
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
