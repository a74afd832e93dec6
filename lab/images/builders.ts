import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { UserError } from "@mcp-fleet/errors";

import { containerEngine } from "../cluster/container-engine";
import { ensurePackages } from "../cluster/packages";
import { run } from "../exec";
import { withLock } from "../lock";
import type { Log } from "../log";
import { paths } from "../paths";
import { type Buildah, buildah } from "./buildah";
import { type Builder, buildSeconds } from "./builder";

type Work<B extends Builder> = (builder: B, scratch: string) => Promise<void>;

/**
 * Lends out buildah, to one process at a time, with a directory that is removed afterwards.
 *
 * @throws UserError when packages of the distribution cannot be had.
 */
export const withBuildah = (log: Log, work: Work<Buildah>): Promise<void> =>
  alone(async (scratch) => {
    await ensurePackages(log);
    await work(await buildah(scratch), scratch);
  });

/** As {@link withBuildah}, the machine's container engine. @throws UserError when none answers. */
export const withContainerEngine = (work: Work<Builder>): Promise<void> =>
  alone(async (scratch) => work(await containerBuilder(), scratch));

function alone(work: (scratch: string) => Promise<void>): Promise<void> {
  return withLock(join(paths.images, "lock"), "building the lab's images", async () => {
    const scratch = join(paths.images, "building");
    // Leftovers of an interrupted build.
    await rm(scratch, { recursive: true, force: true });
    await mkdir(scratch, { recursive: true, mode: 0o700 });
    try {
      await work(scratch);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  });
}

/** The container engine of this machine. */
async function containerBuilder(): Promise<Builder> {
  const engine = await containerEngine();
  if (engine === undefined) {
    throw new UserError(
      "The lab's images cannot be built for this cluster: no container engine answers.",
      "Start Docker or Podman, or let the lab make its own cluster by unsetting LAB_KUBECONFIG and LAB_CONTEXT.",
    );
  }
  return {
    list: async () =>
      new Set((await run(engine, ["images", "--format", "{{.Repository}}:{{.Tag}}"])).split("\n")),
    async build(args) {
      const env = { DOCKER_BUILDKIT: "1" };
      const cwd = paths.projectDir;
      await run(engine, ["build", "-q", ...args], { cwd, timeoutSeconds: buildSeconds, env });
    },
    async save(refs, archive) {
      // Podman writes one image for each archive by default; Docker has no such flag.
      const several = engine === "podman" ? ["-m"] : [];
      await run(engine, ["save", ...several, "-o", archive, ...refs], { timeoutSeconds: 900 });
    },
    // It belongs to the user, and so do its images.
    forget: () => Promise.resolve(),
  };
}
