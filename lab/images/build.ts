import { chmod, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { messageOf, UserError } from "@mcp-fleet/errors";

import type { Log } from "../log";
import { paths } from "../paths";
import type { Builder } from "./builder";
import { made } from "./made";
import type { PlannedImage, Programs } from "./plan";
import { all, Turns } from "./turns";

/** How many images are built at once: one waits for downloads while the other computes. */
const atOnce = 2;

/** Builds images and their base images, each once. */
export class Building {
  private readonly started = new Map<string, Promise<void>>();
  private readonly turns = new Turns(atOnce);

  /** @param scratch a directory that is removed after the builds */
  constructor(
    private readonly builder: Builder,
    private readonly there: ReadonlySet<string>,
    private readonly programs: Programs,
    private readonly scratch: string,
    private readonly log: Log,
  ) {}

  /**
   * Builds in the given order, as soon as the base images are ready.
   *
   * @throws UserError when one cannot be built.
   */
  async build(images: Iterable<PlannedImage>): Promise<void> {
    await all([...images].map((image) => this.one(image)));
  }

  private one(image: PlannedImage): Promise<void> {
    if (this.there.has(image.ref)) return Promise.resolve();
    const building = this.started.get(image.ref) ?? this.withParents(image);
    this.started.set(image.ref, building);
    return building;
  }

  private async withParents(image: PlannedImage): Promise<void> {
    const { name, recipe, parents } = image;
    // Hand-made files take long and depend on nothing.
    const args = this.arguments(image);
    await all<unknown>([args, this.build(parents.values())]);
    await this.turns.take(() =>
      this.log.step(`Building image ${name}`, async () =>
        this.builder.build(await args).catch((cause: unknown) => {
          throw new UserError(
            `The image ${name} of ${recipe.dockerfile} cannot be built: ${messageOf(cause)}`,
            "Look at what it says; its RUN steps have the settings files of this machine's apt, pip and npm.",
            { cause },
          );
        }),
      ),
    );
  }

  private async arguments({ name, ref, recipe, parents }: PlannedImage): Promise<string[]> {
    const { dockerfile, target, programs = {} } = recipe;
    const contexts = [...parents].map(
      ([reference, parent]) => `${reference}=docker-image://${parent.ref}`,
    );
    for (const [context, files] of Object.entries(programs)) {
      const dir = join(this.scratch, name, context);
      for (const [file, program] of Object.entries(files)) {
        await mkdir(dirname(join(dir, file)), { recursive: true });
        await writeFile(join(dir, file), await this.programs(program));
        // Independent of this user's umask: it runs as nobody.
        await chmod(join(dir, file), 0o644);
      }
      contexts.push(`${context}=${dir}`);
    }
    return [
      ...["--file", join(paths.projectDir, dockerfile), "--tag", ref],
      ...(target === undefined ? [] : ["--target", target]),
      ...contexts.flatMap((context) => ["--build-context", context]),
      recipe.made === undefined ? paths.projectDir : await this.madeFiles(name, recipe.made),
    ];
  }

  private async madeFiles(image: string, what: keyof typeof made): Promise<string> {
    const dir = join(this.scratch, image, "made");
    await mkdir(dir, { recursive: true });
    await this.log.step(`Making ${made[what].what}`, () => made[what].write(dir));
    return dir;
  }
}
