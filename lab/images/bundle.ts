import { existsSync } from "node:fs";
import { join } from "node:path";

import { UserError } from "@mcp-fleet/errors";

import { paths } from "../paths";

/** Programs of this project that run inside images, as one JavaScript file each. */
const bundleSources = {
  cli: "cli/main.ts",
  "github-stub": "lab/images/github-stub/main.ts",
  observer: "packages/observer/src/main.ts",
  probe: "packages/mcp-probe/src/cli.ts",
  studio: "lab/studio/main.ts",
} as const;

export type BundleName = keyof typeof bundleSources;

interface Bundler {
  bundle(source: string): Promise<string>;
}

/**
 * Bundles a program and all it imports into one file, as the Dockerfiles' own stage `build` does.
 *
 * @throws UserError when the program's source is not there.
 */
export async function bundle(name: BundleName): Promise<string> {
  const source = bundleSources[name];
  if (!existsSync(join(paths.projectDir, source))) {
    throw new UserError(
      `The ${name} image cannot be made: ${source} is missing.`,
      "Restore the file; the checkout is incomplete.",
    );
  }
  const bundler = (await import(join(paths.projectDir, "images", "bundle.cjs"))) as Bundler;
  return bundler.bundle(source);
}
