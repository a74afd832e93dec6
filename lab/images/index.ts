import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

import type { Cluster } from "../cluster";
import type { Log } from "../log";
import { paths } from "../paths";
import { buildBare, imageKey, layerKeys } from "./bare";
import { bundle } from "./bundle";
import { buildWithDocker, dockerKey } from "./docker";
import { type ImageName, labImageNames } from "./table";

export { exampleImageNames, type ImageName, imageNames, labImageNames } from "./table";

/** What this needs of a cluster. */
export type ImageTarget = Pick<Cluster, "engine" | "importImage" | "hasImage">;

/**
 * Makes sure that the cluster has the images, those of `make up` by default, and returns the references, which carry a hash of
 * all that went into the image. What the cluster has is left alone; what the cache has is not built again.
 *
 * @throws UserError when a tool or a package cannot be had, or the cluster refuses the archive.
 */
export async function ensureImages<Name extends ImageName = (typeof labImageNames)[number]>(
  cluster: ImageTarget,
  log: Log,
  names: readonly Name[] = labImageNames as readonly ImageName[] as readonly Name[],
): Promise<Record<Name, string>> {
  const [cli, stub, observer, probe, studio] = await Promise.all([
    bundle("cli"),
    bundle("github-stub"),
    bundle("observer"),
    bundle("probe"),
    bundle("studio"),
  ]);
  const bundles = { cli, "github-stub": stub, observer, probe, studio };
  const bare = cluster.engine === "bare";
  const keys = bare ? layerKeys(bundles) : undefined;
  const refs = new Map(
    names.map((name) => {
      const key = keys === undefined ? dockerKey(name, bundles) : imageKey(name, keys);
      return [name, `mcp-fleet.local/${name}:${key.slice(0, 12)}`] as const;
    }),
  );
  const present = await Promise.all([...refs.values()].map((ref) => cluster.hasImage(ref)));
  const missing = new Map([...refs].filter((_entry, index) => present[index] !== true));
  if (missing.size > 0) {
    await mkdir(paths.images, { recursive: true });
    const archive = join(paths.images, `import-${process.pid}.tar`);
    try {
      await (bare ? buildBare : buildWithDocker)(missing, bundles, archive, log);
      await log.step(`Importing ${missing.size} images into the cluster`, () =>
        cluster.importImage(archive),
      );
    } finally {
      await rm(archive, { force: true });
    }
  }
  return Object.fromEntries(refs) as Record<Name, string>;
}
