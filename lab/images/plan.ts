import { readFileSync } from "node:fs";
import { arch } from "node:os";
import { join } from "node:path";

import { paths } from "../paths";
import { bundle, type BundleName } from "./bundle";
import { ingredients } from "./dockerfile";
import { filesAsParts, fingerprint } from "./fingerprint";
import { made } from "./made";
import { ownImage, type Recipe, type RecipeName, recipes, type StandIns } from "./recipes";

/** A planned image; its reference contains a hash of everything that goes into it. */
export interface PlannedImage {
  readonly name: RecipeName;
  /** `mcp-fleet.local/<name>:<content hash>` */
  readonly ref: string;
  readonly recipe: Recipe;
  /** Images of the lab that it uses, by their references in its Dockerfile. */
  readonly parents: ReadonlyMap<string, PlannedImage>;
}

export type Programs = (name: BundleName) => Promise<string>;

/** The programs of this project, each bundled at its first use. */
export function bundledPrograms(): Programs {
  const known = new Map<BundleName, Promise<string>>();
  return (name) => {
    const text = known.get(name) ?? bundle(name);
    known.set(name, text);
    return text;
  };
}

/**
 * Plans images. An image is determined by its Dockerfile, the files that it copies, programs, hand-made files
 * and base images.
 */
export class Planner {
  private readonly known = new Map<RecipeName, Promise<PlannedImage>>();

  constructor(
    private readonly standIns: StandIns,
    private readonly programs: Programs,
  ) {}

  plan(name: RecipeName): Promise<PlannedImage> {
    const planned = this.known.get(name) ?? this.make(name);
    this.known.set(name, planned);
    return planned;
  }

  private async make(name: RecipeName): Promise<PlannedImage> {
    const recipe = recipes[name];
    const { dockerfile, target = "", programs = {} } = recipe;
    const text = readFileSync(join(paths.projectDir, dockerfile), "utf8");
    const { images, files } = ingredients(text, Object.keys(programs));
    const parents = new Map<string, PlannedImage>();
    for (const [written, reference] of images) {
      const own = ownImage(reference, this.standIns);
      if (own === undefined) continue;
      // Docker identifies a context by the substituted name, buildah by the written one.
      for (const name of [written, reference]) parents.set(name, await this.plan(own));
    }
    const given = Object.values(programs).flatMap((context) => Object.entries(context));
    const texts = given.map(async ([file, program]) => [file, await this.programs(program)]);
    const key = fingerprint([
      ...[
        arch(),
        text,
        target,
        ...[...parents].map(([reference, { ref }]) => `${reference}=${ref}`),
      ],
      ...(recipe.made === undefined ? filesAsParts(files) : made[recipe.made].parts()),
      ...(await Promise.all(texts)).flat(),
    ]);
    return { name, ref: `mcp-fleet.local/${name}:${key.slice(0, 12)}`, recipe, parents };
  }
}
