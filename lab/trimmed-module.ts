import { appendFileSync, copyFileSync, cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

/**
 * A module without the sources of some packages: those that only register others, so that a program would
 * compile libraries it never calls. Go can neither replace a module's file (`-overlay` does not reach its cache)
 * nor a single package.
 */
export interface TrimmedModule {
  readonly module: string;
  /** Their folders in the module. */
  readonly empty: readonly string[];
}

/** The directories involved. */
interface Places {
  /** The files of the module. */
  readonly module: string;
  /** The folder of the go.mod that requires it. */
  readonly own: string;
  /** A new directory for a copy of the module. */
  readonly target: string;
}

/**
 * Copies a module without the files of some packages.
 * @returns a go.mod that uses the copy instead of the module
 */
export function trim(
  { module, empty }: TrimmedModule,
  { module: files, own, target }: Places,
): string {
  cpSync(files, target, { recursive: true });
  for (const folder of empty) {
    const directory = join(target, folder);
    rmSync(directory, { recursive: true });
    mkdirSync(directory);
    writeFileSync(join(directory, "empty.go"), `package ${basename(folder)}\n`);
  }
  const modfile = `${target}.mod`;
  copyFileSync(join(own, "go.mod"), modfile);
  appendFileSync(modfile, `\nreplace ${module} => ${target}\n`);
  copyFileSync(join(own, "go.sum"), `${target}.sum`);
  return modfile;
}
