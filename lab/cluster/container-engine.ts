import { onPath, run } from "../exec";

export type ContainerEngine = "docker" | "podman";

/** The container engine that answers on this machine, if one does. A client alone is none. */
export async function containerEngine(): Promise<ContainerEngine | undefined> {
  for (const engine of ["docker", "podman"] as const) {
    if (!(await onPath(engine))) continue;
    const answered = await run(engine, ["info"], { timeoutSeconds: 15 }).then(
      () => true,
      () => false,
    );
    if (answered) return engine;
  }
  return undefined;
}
