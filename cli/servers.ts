import { UserError } from "@mcp-fleet/errors";
import type { Kube } from "@mcp-fleet/kube";
import type { Change, McpServerSummary, ServerState, WaitOptions } from "@mcp-fleet/lifecycle";
import { Argument } from "commander";

import type { CliContext } from "./context";
import { exitCodes } from "./exit-codes";

const colours: Record<ServerState, "green" | "dim" | "yellow" | "red"> = {
  running: "green",
  stopped: "dim",
  scaling: "yellow",
  pending: "yellow",
  updating: "yellow",
  failed: "red",
  degraded: "red",
};

/** Name of the argument that names a server. Completion looks for it. */
export const serverArgumentName = "name";

/** The argument that names a server. */
export function serverArgument(): Argument {
  return new Argument(
    `<${serverArgumentName}>`,
    "the server: its key, or the name of its Deployment, StatefulSet or Service",
  );
}

/** Help of `--path`, for commands that probe. */
export const pathHelp =
  "path of the MCP endpoint, for --probe (default: the Service's annotation, else /mcp)";

/** Whether this server makes a command end with the exit code for findings. */
export function isFinding({ status }: Pick<McpServerSummary, "status">): boolean {
  return status === "degraded" || status === "failed";
}

/** A state in its colour. */
export function shownState(context: CliContext, state: ServerState): string {
  return context.styled(colours[state], state);
}

/** `2/3`: ready of wanted. */
export function shownReplicas({
  readyReplicas,
  replicas,
}: Pick<McpServerSummary, "readyReplicas" | "replicas">): string {
  return `${readyReplicas}/${replicas}`;
}

/** A change in one line. What holds it up or may undo it goes to standard error. */
export function shownChange(context: CliContext, change: Change): string {
  for (const obstacle of change.obstacles) context.note(`in the way: ${obstacle}`);
  const { name, after, killedPods = [] } = change;
  const parts = [
    shownStep(change),
    `${shownState(context, change.status)}, ${change.readyReplicas}/${after} ready`,
    ...(killedPods.length === 0 ? [] : [`ended ${killedPods.join(", ")}`]),
  ];
  return `${name}: ${parts.join("; ")}`;
}

function shownStep({ before, after, changed, killedPods = [] }: Change): string {
  if (before !== after) return `replicas ${before} -> ${after}`;
  if (changed) return "new pods";
  return killedPods.length === 0 ? "nothing to do" : `already at ${after}`;
}

/** Options of a wait. Its progress goes to standard error. */
export function waiting(context: CliContext, timeoutSeconds: number): WaitOptions {
  return {
    timeoutSeconds,
    signal: context.signal,
    onProgress: (text) => context.note(`waiting: ${text}`),
  };
}

/**
 * Tells a missing namespace from one without servers.
 * @throws UserError with the exit code for "not found"; not where the account may not read namespaces
 */
export async function requireNamespace(kube: Kube): Promise<void> {
  const { namespaceState } = await import("@mcp-fleet/cluster");
  const state = await namespaceState(kube, kube.namespace).catch(() => undefined);
  if (state !== "missing") return;
  throw new UserError(
    `There is no namespace "${kube.namespace}".`,
    "Name another with -n; kubectl get namespaces lists them.",
    { exitCode: exitCodes.notFound },
  );
}
