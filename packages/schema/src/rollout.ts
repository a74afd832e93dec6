import type { ServerSettings } from "./server";

/** Whether a new pod waits for the old one's end: a claim that is written to may be one node's. */
export function isReplaced({
  strategy,
  volumes,
}: Pick<ServerSettings, "strategy" | "volumes">): boolean {
  const written = Object.values(volumes).some((one) => one.claim !== undefined && !one.readOnly);
  return (strategy ?? (written ? "recreate" : "rolling")) === "recreate";
}
