import { join } from "node:path";

import type { Cluster } from "../cluster/types";
import type { Log } from "../log";
import { imagesCanBePulled } from "../registries";
import { Building } from "./build";
import type { Builder } from "./builder";
import { withBuildah, withContainerEngine } from "./builders";
import { bundledPrograms, type PlannedImage, Planner, type Programs } from "./plan";
import { bareStandIns, engineStandIns, labImageNames, type RecipeName } from "./recipes";

export { exampleImageNames, type ImageName, imageNames, labImageNames } from "./recipes";

/** The part of a cluster that is used here. */
export type ImageTarget = Pick<Cluster, "engine" | "importImage" | "hasImage">;

/** Whether every image for this cluster is made from what the distribution and the packages' registries have. */
const madeHere = async (engine: Cluster["engine"]): Promise<boolean> =>
  engine === "bare" || !(await imagesCanBePulled());

/** The references that images have there, built or not. */
export async function plannedReferences<Name extends RecipeName>(
  engine: Cluster["engine"],
  names: readonly Name[],
): Promise<Record<Name, string>> {
  const images = await planned(await madeHere(engine), names, bundledPrograms());
  return Object.fromEntries(images.map(({ name, ref }) => [name, ref])) as Record<Name, string>;
}

const planned = (
  here: boolean,
  names: readonly RecipeName[],
  programs: Programs,
): Promise<PlannedImage[]> => {
  const planner = new Planner(here ? bareStandIns : engineStandIns, programs);
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
  const here = await madeHere(cluster.engine);
  const images = await planned(here, names, programs);
  const present = await Promise.all(images.map(({ ref }) => cluster.hasImage(ref)));
  const missing = images.filter((_image, index) => present[index] !== true);
  if (missing.length > 0) await bring(missing, cluster, programs, here, log);
  return Object.fromEntries(images.map(({ name, ref }) => [name, ref])) as Record<Name, string>;
}

/** Builds missing images, and loads all of them. */
const bring = (
  images: readonly PlannedImage[],
  cluster: ImageTarget,
  programs: Programs,
  here: boolean,
  log: Log,
): Promise<void> => {
  const work = async (builder: Builder, scratch: string): Promise<void> => {
    const building = new Building(builder, await builder.list(), programs, scratch, log);
    await building.build(images);
    const archive = join(scratch, "images.tar");
    await log.step(`Importing ${images.length} images into the cluster`, async () => {
      const refs = images.map(({ ref }) => ref);
      await builder.save(refs, archive);
      await cluster.importImage(archive);
    });
    // A node of kind goes with all that it has. Else the roots stay, since every build starts from them; the rest would be
    // on this disk twice.
    const there = await builder.list();
    const built =
      cluster.engine === "kind"
        ? []
        : images.flatMap(family).filter(({ parents }) => parents.size > 0);
    await builder.forget([...new Set(built.map(({ ref }) => ref))].filter((ref) => there.has(ref)));
  };
  return here ? withBuildah(log, work) : withContainerEngine(work);
};

/** An image and all its base images. */
const family = (image: PlannedImage): PlannedImage[] => [
  image,
  ...[...image.parents.values()].flatMap(family),
];
