import { join } from "node:path";

import type { Cluster } from "../cluster/types";
import type { Log } from "../log";
import { Building } from "./build";
import { withBuilder } from "./builders";
import { bundledPrograms, type PlannedImage, Planner, type Programs } from "./plan";
import { bareStandIns, engineStandIns, labImageNames, type RecipeName } from "./recipes";

export { exampleImageNames, type ImageName, imageNames, labImageNames } from "./recipes";

/** What this needs of a cluster. */
export type ImageTarget = Pick<Cluster, "engine" | "importImage" | "hasImage">;

/** The references that images have there, built or not. */
export async function plannedReferences<Name extends RecipeName>(
  engine: Cluster["engine"],
  names: readonly Name[],
): Promise<Record<Name, string>> {
  const images = await planned(engine, names, bundledPrograms());
  return Object.fromEntries(images.map(({ name, ref }) => [name, ref])) as Record<Name, string>;
}

const planned = (
  engine: Cluster["engine"],
  names: readonly RecipeName[],
  programs: Programs,
): Promise<PlannedImage[]> => {
  const planner = new Planner(engine === "bare" ? bareStandIns : engineStandIns, programs);
  return Promise.all(names.map((name) => planner.plan(name)));
};

/**
 * Makes sure that the cluster has the images, those of `make up` by default, and returns the references, which carry a hash of
 * all that went into the image. What the cluster has is left alone; what was built before is not built again.
 *
 * @throws UserError when a tool or a package cannot be had, or the cluster refuses the archive.
 */
export async function ensureImages<Name extends RecipeName = (typeof labImageNames)[number]>(
  cluster: ImageTarget,
  log: Log,
  names: readonly Name[] = labImageNames as readonly RecipeName[] as readonly Name[],
): Promise<Record<Name, string>> {
  const programs = bundledPrograms();
  const images = await planned(cluster.engine, names, programs);
  const present = await Promise.all(images.map(({ ref }) => cluster.hasImage(ref)));
  const missing = images.filter((_image, index) => present[index] !== true);
  if (missing.length > 0) await bring(missing, cluster, programs, log);
  return Object.fromEntries(images.map(({ name, ref }) => [name, ref])) as Record<Name, string>;
}

/** Builds what was not built before, and loads all of it. */
const bring = (
  images: readonly PlannedImage[],
  cluster: ImageTarget,
  programs: Programs,
  log: Log,
): Promise<void> =>
  withBuilder(cluster.engine, log, async (builder, scratch) => {
    const building = new Building(builder, await builder.list(), programs, scratch, log);
    await building.build(images);
    const archive = join(scratch, "images.tar");
    await log.step(`Importing ${images.length} images into the cluster`, async () => {
      const refs = images.map(({ ref }) => ref);
      await builder.save(refs, archive);
      await cluster.importImage(archive);
    });
    // The roots stay, since every build starts from them; the rest would be on this disk twice.
    const there = await builder.list();
    const built = images.flatMap(family).filter(({ parents }) => parents.size > 0);
    await builder.forget([...new Set(built.map(({ ref }) => ref))].filter((ref) => there.has(ref)));
  });

/** An image and all that it is built on. */
const family = (image: PlannedImage): PlannedImage[] => [
  image,
  ...[...image.parents.values()].flatMap(family),
];
