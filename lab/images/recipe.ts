import { chmod, cp, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { arch } from "node:os";
import { dirname, join } from "node:path";

import { run } from "../exec";
import { paths } from "../paths";
import type { BundleName } from "./bundle";
import { compilePython, pythonVersion, rootExclusions, rootPackages, suite } from "./debian";

/** What a layer's build is given: an empty directory, and the Debian root for those that need one. */
export interface BuildPlace {
  /** The layer's own directory; its top-level entries become the layer. */
  readonly dir: string;
  /** For scratch files that are in no layer. */
  readonly workDir: string;
  /** The unpacked Debian root; only Python layers wait for it. */
  readonly root: () => Promise<string>;
  readonly bundles: Readonly<Record<BundleName, string>>;
}

/** How one layer is made. Its name in the cache is a hash of everything that is here. */
export interface LayerRecipe {
  /** Committed files that decide the content, relative to the project. */
  readonly files: readonly string[];
  /** A bundle whose text is part of the content. */
  readonly bundle?: BundleName;
  /** Anything else that decides the content. */
  readonly extra?: readonly string[];
  readonly build: (place: BuildPlace) => Promise<void>;
}

/** Copies a file of the project into the layer. @param mode default: anybody may run it */
export async function install(
  place: BuildPlace,
  file: string,
  target: string,
  mode = 0o755,
): Promise<void> {
  const to = join(place.dir, target);
  await mkdir(dirname(to), { recursive: true });
  await cp(join(paths.projectDir, file), to);
  await chmod(to, mode);
}

/** Writes a file of the layer. */
export async function write(place: BuildPlace, target: string, text: string): Promise<void> {
  const to = join(place.dir, target);
  await mkdir(dirname(to), { recursive: true });
  await writeFile(to, text);
}

/** The committed files that pin the packages of this directory. */
export const lockOf = (dir: string): string[] => [
  `${dir}/package.json`,
  `${dir}/package-lock.json`,
];

/** The packages of a committed package.json and lock, under /opt/<name>, with one command on PATH. */
export function npmLayer(
  name: string,
  source: string,
  bin: { name: string; file: string },
): LayerRecipe {
  return {
    files: lockOf(source),
    async build(place) {
      await npmInstall(join(place.dir, "opt", name), lockOf(source));
      const bins = join(place.dir, "usr/local/bin");
      await mkdir(bins, { recursive: true });
      await symlink(`/opt/${name}/node_modules/${bin.file}`, join(bins, bin.name));
    },
  };
}

/** Installs what committed lock files pin, without development packages and install scripts. */
export async function npmInstall(dir: string, files: readonly string[]): Promise<void> {
  await mkdir(dir, { recursive: true });
  for (const file of files)
    await cp(join(paths.projectDir, file), join(dir, file.replace(/.*\//, "")));
  const quiet = ["--no-audit", "--no-fund", "--no-workspaces", "--no-update-notifier"];
  await run("npm", ["ci", "--omit=dev", "--ignore-scripts", ...quiet], {
    cwd: dir,
    timeoutSeconds: 600,
  });
  // npm's own note of where it got things; it names the machine's registry.
  await rm(join(dir, "node_modules", ".package-lock.json"), { force: true });
}

const glibcTags = ["2014", "_2_17", "_2_28", "_2_31", "_2_34"];

/** The pinned packages of a requirements file, under /opt/mcp-<name>, with launchers on PATH. */
export function pythonLayer(name: string, ...launchers: string[]): LayerRecipe {
  const requirements = `images/${name}/requirements.txt`;
  return {
    files: [requirements, ...launchers.map((launcher) => `images/${name}/${launcher}`)],
    extra: rootExtra(),
    async build(place) {
      const target = `/opt/mcp-${name}`;
      const root = await place.root();
      const machine = arch() === "arm64" ? "aarch64" : "x86_64";
      const inRoot = join(root, target);
      await run(
        "python3",
        [
          ...["-m", "pip", "install", "--quiet", "--no-compile", "--no-deps", "--require-hashes"],
          ...["--root-user-action=ignore", "--only-binary=:all:", "--implementation", "cp"],
          ...["--python-version", await pythonVersion(root)],
          ...glibcTags.flatMap((tag) => ["--platform", `manylinux${tag}_${machine}`]),
          ...["--target", inRoot, "-r", join(paths.projectDir, requirements)],
        ],
        { timeoutSeconds: 900 },
      );
      // pip's launchers start the Python of the machine that built this.
      await rm(join(inRoot, "bin"), { recursive: true, force: true });
      await compilePython(root, [target]);
      await mkdir(join(place.dir, "opt"), { recursive: true });
      await run("mv", [inRoot, join(place.dir, "opt")]);
      for (const launcher of launchers) {
        await install(place, `images/${name}/${launcher}`, `usr/local/bin/${launcher}`);
      }
    },
  };
}

/** What decides the Debian root, and with it all that is built in it. */
export const rootExtra = (): string[] => [suite(), ...rootPackages, ...rootExclusions];
