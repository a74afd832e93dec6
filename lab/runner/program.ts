import { existsSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { UserError } from "@mcp-fleet/errors";

interface Manifest {
  type?: string;
  main?: string;
  exports?: string | Record<string, string | Record<string, string>>;
}

/**
 * The file the Pulumi CLI would run for a project: `exports`, else `main` of `package.json`, else `index.js`.
 *
 * @throws UserError when there is none.
 */
export function entryPoint(projectDir: string): { file: string; esm: boolean } {
  const manifestFile = join(projectDir, "package.json");
  const manifest = existsSync(manifestFile)
    ? (JSON.parse(readFileSync(manifestFile, "utf8")) as Manifest)
    : {};
  const named = fromExports(manifest.exports) ?? manifest.main ?? "index.js";
  const file = resolve(projectDir, named);
  if (!existsSync(file) || statSync(file).isDirectory()) {
    throw new UserError(
      `The program ${file} does not exist.`,
      "Build the project (`npm run build`), or correct `main` in its package.json.",
    );
  }
  return { file, esm: manifest.type === "module" };
}

function fromExports(exported: Manifest["exports"]): string | undefined {
  if (typeof exported !== "object") return exported;
  const root = exported["."];
  return typeof root === "object" ? (root.default ?? root.require ?? root.import) : root;
}

/** Loads the program and returns what it exports; an exported function is called, as the CLI does. */
export async function runEntryPoint(projectDir: string): Promise<unknown> {
  const { file, esm } = entryPoint(projectDir);
  let exported: unknown;
  if (esm) {
    const module = (await import(pathToFileURL(file).href)) as { default?: unknown };
    exported = "default" in module ? module.default : module;
  } else {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- as the CLI loads a CommonJS program
    exported = require(file);
  }
  return typeof exported === "function" ? (exported as () => unknown)() : exported;
}
