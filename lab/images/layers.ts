import { chmod, cp, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { arch } from "node:os";
import { dirname, join } from "node:path";

import { run } from "../exec";
import { paths } from "../paths";
import type { BundleName } from "./bundle";
import {
  compilePython,
  makeRoot,
  pythonVersion,
  rootExclusions,
  rootPackages,
  suite,
} from "./debian";
import type { LayerName } from "./table";

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

/** Raise when a change in how layers are built must reach everybody's cache. */
const recipeVersion = "1";

async function install(
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

async function write(place: BuildPlace, target: string, text: string): Promise<void> {
  const to = join(place.dir, target);
  await mkdir(dirname(to), { recursive: true });
  await writeFile(to, text);
}

const lockOf = (dir: string): string[] => [`${dir}/package.json`, `${dir}/package-lock.json`];

/** The packages of a committed package.json and lock, under /opt/<name>, with one command on PATH. */
function npmLayer(name: string, source: string, bin: { name: string; file: string }): LayerRecipe {
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

async function npmInstall(dir: string, files: readonly string[]): Promise<void> {
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
function pythonLayer(name: string, ...launchers: string[]): LayerRecipe {
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

const rootExtra = (): string[] => [suite(), ...rootPackages, ...rootExclusions];

/** Every layer and how it is made. */
export function layerRecipes(): Readonly<Record<LayerName, LayerRecipe>> {
  return {
    debian: {
      files: [],
      extra: rootExtra(),
      build: (place) => makeRoot(place.dir, place.workDir),
    },
    node: {
      files: lockOf("lab/images/node"),
      async build(place) {
        const scratch = join(place.workDir, "node");
        await npmInstall(scratch, lockOf("lab/images/node"));
        const binary = `node_modules/node-linux-${arch() === "arm64" ? "arm64" : "x64"}/bin/node`;
        await mkdir(join(place.dir, "usr/local/bin"), { recursive: true });
        await cp(join(scratch, binary), join(place.dir, "usr/local/bin/node"));
      },
    },
    fastmcp: pythonLayer("fastmcp", "python", "uvicorn"),
    chroma: pythonLayer("chroma", "chroma-mcp"),
    atlassian: pythonLayer("atlassian", "mcp-atlassian"),
    "google-workspace": pythonLayer("google-workspace", "workspace-mcp"),
    supergateway: {
      files: [...lockOf("images/supergateway"), "images/supergateway/supergateway"],
      async build(place) {
        await npmInstall(join(place.dir, "opt/supergateway"), lockOf("images/supergateway"));
        await install(place, "images/supergateway/supergateway", "usr/local/bin/supergateway");
      },
    },
    "google-cloud": npmLayer("google-cloud", "images/google-cloud", {
      name: "gcloud-mcp",
      file: "@google-cloud/gcloud-mcp/dist/bundle.js",
    }),
    "llmctl-mcp": npmLayer("llmctl-mcp", "lab/images/llmctl-mcp", {
      name: "mcp-server-everything",
      file: "@modelcontextprotocol/server-everything/dist/index.js",
    }),
    "chroma-server": {
      files: ["lab/images/chroma-server/chroma"],
      build: (place) => install(place, "lab/images/chroma-server/chroma", "usr/local/bin/chroma"),
    },
    "gcloud-stub": {
      files: ["lab/images/gcloud-stub/gcloud"],
      build: (place) => install(place, "lab/images/gcloud-stub/gcloud", "usr/local/bin/gcloud"),
    },
    "github-stub": {
      files: ["github-mcp-server", "mcp-server-github"].map(
        (bin) => `lab/images/github-stub/${bin}`,
      ),
      bundle: "github-stub",
      async build(place) {
        await write(place, "opt/github-stub/main.js", place.bundles["github-stub"]);
        for (const bin of ["github-mcp-server", "mcp-server-github"]) {
          await install(place, `lab/images/github-stub/${bin}`, `usr/local/bin/${bin}`);
        }
      },
    },
    "embedded-entry": {
      files: ["lab/images/llmctl-mcp/run.py", "images/chroma/chroma-mcp"],
      async build(place) {
        const app = "app/app/llmctl-mcp";
        await install(place, "lab/images/llmctl-mcp/run.py", `${app}/run.py`, 0o644);
        await install(place, "images/chroma/chroma-mcp", `${app}/chroma_stdio.py`, 0o644);
      },
    },
    probe: {
      files: ["images/probe/mcp-probe"],
      bundle: "probe",
      async build(place) {
        await write(place, "app/mcp-probe.js", place.bundles.probe);
        await install(place, "images/probe/mcp-probe", "usr/local/bin/mcp-probe");
      },
    },
    observer: {
      files: [],
      bundle: "observer",
      build: (place) => write(place, "app/mcp-observer.js", place.bundles.observer),
    },
    cli: {
      files: ["images/mcp-fleet/mcp-fleet"],
      bundle: "cli",
      async build(place) {
        await write(place, "app/mcp-fleet.js", place.bundles.cli);
        await install(place, "images/mcp-fleet/mcp-fleet", "usr/local/bin/mcp-fleet");
      },
    },
    "mesh-registry": {
      files: lockOf("lab/images/mesh-registry"),
      async build(place) {
        const scratch = join(place.workDir, "mesh-registry");
        await npmInstall(scratch, lockOf("lab/images/mesh-registry"));
        const binary = join(scratch, "node_modules/@mcpmesh/cli-linux-x64/bin/mcp-mesh-registry");
        await mkdir(join(place.dir, "usr/local/bin"), { recursive: true });
        await cp(binary, join(place.dir, "usr/local/bin/mcp-mesh-registry"));
        await rm(scratch, { recursive: true, force: true });
      },
    },
    "mesh-agent": pythonLayer("mesh-agent", "mesh-agent"),
    "mesh-agents": {
      files: meshAgents,
      async build(place) {
        for (const file of meshAgents) {
          await install(place, file, file.replace("lab/images/mesh-agents", "app"), 0o644);
        }
      },
    },
    studio: {
      files: [],
      bundle: "studio",
      build: (place) => write(place, "app/studio.js", place.bundles.studio),
    },
    todo: {
      files: todoFiles,
      async build(place) {
        for (const file of todoFiles) {
          await install(place, file, file.replace("examples/todo/backend", "app"), 0o644);
        }
      },
    },
  };
}

const meshAgents = ["greeter", "caller"].map((name) => `lab/images/mesh-agents/${name}.py`);

const todoFiles = ["__init__", "main", "mcp_server", "tasks"].map(
  (name) => `examples/todo/backend/app/${name}.py`,
);

/** What goes into a layer's cache name besides its files and bundle. */
export const recipeSalt = (name: LayerName, recipe: LayerRecipe): string[] => [
  recipeVersion,
  arch(),
  name,
  ...(recipe.extra ?? []),
];
