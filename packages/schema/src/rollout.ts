import type { ServerSettings } from "./server";
import type { ServerVolume } from "./volume";

type Volumes = Pick<ServerSettings, "volumes">;
type ClaimTemplate = NonNullable<ServerVolume["claimTemplate"]>;

/** The volumes with a claim for each pod, by name. */
export function claimTemplates({ volumes }: Volumes): [name: string, template: ClaimTemplate][] {
  return Object.entries(volumes).flatMap(([name, { claimTemplate }]) =>
    claimTemplate === undefined ? [] : [[name, claimTemplate]],
  );
}

/** The kind of object that runs a server's pods. It follows from the volumes, so no key can contradict them. */
export function workloadKind(server: Volumes): "Deployment" | "StatefulSet" {
  return claimTemplates(server).length === 0 ? "Deployment" : "StatefulSet";
}

/**
 * Whether a Deployment stops the old pod before it starts the new one: a writable claim may be usable on one
 * node only.
 */
export function isReplaced(server: Volumes & Pick<ServerSettings, "strategy">): boolean {
  if (workloadKind(server) === "StatefulSet") return false;
  const { strategy, volumes } = server;
  const written = Object.values(volumes).some((one) => one.claim !== undefined && !one.readOnly);
  return (strategy ?? (written ? "recreate" : "rolling")) === "recreate";
}
