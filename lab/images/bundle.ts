import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { UserError } from "@mcp-fleet/errors";
import { build } from "esbuild";

import { paths } from "../paths";

/** Programs of this project that run inside images, as one JavaScript file each. */
export const bundleSources = {
  cli: "cli/main.ts",
  "github-stub": "lab/images/github-stub/main.ts",
  observer: "packages/observer/src/main.ts",
  probe: "packages/mcp-probe/src/cli.ts",
  studio: "lab/studio/main.ts",
} as const;

export type BundleName = keyof typeof bundleSources;

/** Our own packages are taken from their sources, so that an image never holds a stale build. */
const ownPackages = readdirSync(join(paths.projectDir, "packages"));

/**
 * Bundles a program and all it imports into one CommonJS file for Node.js 24.
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
  const result = await build({
    absWorkingDir: paths.projectDir,
    entryPoints: [source],
    bundle: true,
    write: false,
    platform: "node",
    target: "node24",
    format: "cjs",
    external: ["pg-native"],
    alias: Object.fromEntries(
      ownPackages.map((own) => [
        `@mcp-fleet/${own}`,
        join(paths.projectDir, "packages", own, "src", "index.ts"),
      ]),
    ),
    logLevel: "error",
  });
  const output = result.outputFiles[0];
  if (output === undefined) throw new Error(`esbuild wrote nothing for ${source}`);
  return output.text;
}
