import type { ServerSettings } from "./server";
import type { ServerVolume } from "./volume";

type Volumes = Pick<ServerSettings, "volumes">;
type ClaimTemplate = NonNullable<ServerVolume["claimTemplate"]>;

/** The volumes of which each pod has a claim of its own, by name. */
export function claimTemplates({ volumes }: Volumes): [name: string, template: ClaimTemplate][] {
  return Object.entries(volumes).flatMap(([name, { claimTemplate }]) =>
    claimTemplate === undefined ? [] : [[name, claimTemplate]],
  );
}

/** The kind of object that keeps a server's pods; there is no key for it, so that nothing can contradict the volumes. */
export function workloadKind(server: Volumes): "Deployment" | "StatefulSet" {
  return claimTemplates(server).length === 0 ? "Deployment" : "StatefulSet";
}

/** Whether a Deployment's new pod waits for the old one's end: a claim that is written to may be one node's. */
export function isReplaced(server: Volumes & Pick<ServerSettings, "strategy">): boolean {
  if (workloadKind(server) === "StatefulSet") return false;
  const { strategy, volumes } = server;
  const written = Object.values(volumes).some((one) => one.claim !== undefined && !one.readOnly);
  return (strategy ?? (written ? "recreate" : "rolling")) === "recreate";
}
