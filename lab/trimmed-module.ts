import { appendFileSync, copyFileSync, cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

/**
 * A module of which some packages are left empty: those that only register others, so that a program would compile libraries
 * which it never calls. Go lets no file of a module be replaced (`-overlay` does not reach its cache), and no package alone.
 */
export interface TrimmedModule {
  readonly module: string;
  /** Their folders in the module. */
  readonly empty: readonly string[];
}

/** Where things are. */
interface Places {
  /** The files of the module. */
  readonly module: string;
  /** The folder of the go.mod that requires it. */
  readonly own: string;
  /** A directory that is made, for a copy of the module. */
  readonly target: string;
}

/** Copies a module without the files of some packages. @returns a go.mod that has the copy in the module's place */
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
