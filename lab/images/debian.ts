import { existsSync, readdirSync, readFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { UserError } from "@mcp-fleet/errors";

import { onPath, run } from "../exec";
import type { Log } from "../log";

/** What the root holds beyond the distribution's essential packages. */
export const rootPackages = ["python3", "ca-certificates", "libstdc++6", "tini"] as const;

/** Left out of the layer: what belongs to the machine that built it, and caches. */
const notInLayer = [
  ...["dev/*", "proc/*", "sys/*", "tmp/*", "opt/*", "var/cache/*", "var/log/*", "etc/apt"],
  ...["var/lib/apt", "etc/resolv.conf", "etc/hostname", "etc/machine-id"],
] as const;

export const rootExclusions: readonly string[] = notInLayer;

const unwanted = ["man", "doc", "locale", "info"].map((dir) => `path-exclude=/usr/share/${dir}/*`);

/** The distribution's name for this release, `bookworm` for example. */
export function suite(): string {
  const release = existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
  const found = /^VERSION_CODENAME="?([a-z]+)"?$/m.exec(release)?.[1];
  if (found === undefined) {
    throw new UserError(
      "The lab's images are made from the machine's own Debian packages, and this machine is not a Debian or Ubuntu release.",
      "Use a container engine (the lab then takes kind), or a cluster of your own through LAB_KUBECONFIG.",
    );
  }
  return found;
}

/** The apt source files of this machine that name its own release; other vendors' sources are left out. */
function aptSources(release: string): string[] {
  const listed = existsSync("/etc/apt/sources.list.d")
    ? readdirSync("/etc/apt/sources.list.d")
    : [];
  const files = listed
    .filter((file) => /\.(sources|list)$/.test(file))
    .sort()
    .map((file) => `/etc/apt/sources.list.d/${file}`);
  const named = new RegExp(`(^|\\s)${release}(\\s|$)`, "m");
  return ["/etc/apt/sources.list", ...files].filter((file) => {
    if (!existsSync(file)) return false;
    const text = readFileSync(file, "utf8").replace(/^\s*#.*$/gm, "");
    return named.test(text) && /\bmain\b/.test(text);
  });
}

/** A tool of the machine that building needs, and the Debian package that brings it. */
interface Tool {
  readonly debianPackage: string;
  readonly present: () => Promise<boolean>;
}

const tools: readonly Tool[] = [
  { debianPackage: "mmdebstrap", present: () => onPath("mmdebstrap") },
  {
    debianPackage: "python3-pip",
    present: () =>
      run("python3", ["-m", "pip", "--version"]).then(
        () => true,
        () => false,
      ),
  },
];

/** Installs the building tools that are missing, after saying which. */
export async function ensureTools(log: Log): Promise<void> {
  const present = await Promise.all(tools.map((tool) => tool.present()));
  const missing = tools.filter((_tool, i) => present[i] !== true).map((tool) => tool.debianPackage);
  if (missing.length === 0) return;
  log.info(`About to install from the distribution with apt-get: ${missing.join(", ")}`);
  const wait = ["-o", "DPkg::Lock::Timeout=300", "-q"];
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  await log.step("Installing the tools that build images", async () => {
    await run("apt-get", [...wait, "update"], { timeoutSeconds: 300, env });
    await run("apt-get", [...wait, "install", "-y", "--no-install-recommends", ...missing], {
      timeoutSeconds: 600,
      env,
    });
  });
}

/**
 * Makes a small Debian root with Python in `dir`, from the machine's own apt sources and settings.
 *
 * @throws UserError when the machine has no apt source for its own release, or a download fails.
 */
export async function makeRoot(dir: string, workDir: string): Promise<void> {
  const release = suite();
  const sources = aptSources(release);
  if (sources.length === 0) {
    throw new UserError(
      `No apt source of this machine names its release (${release}), so there is nothing to make images from.`,
      "Add the distribution's own source to /etc/apt/sources.list.d.",
    );
  }
  // Proxy, certificates and the like: a machine's apt settings hold for this too.
  const settings = join(workDir, "apt.conf");
  await writeFile(settings, await run("apt-config", ["dump", "Acquire"]), { mode: 0o600 });
  await run(
    "mmdebstrap",
    [
      ...["--mode=root", "--variant=essential", `--include=${rootPackages.join(",")}`],
      ...["--skip=output/dev", "--format=directory", `--aptopt=${settings}`],
      '--aptopt=APT::Install-Recommends "false"',
      ...unwanted.map((option) => `--dpkgopt=${option}`),
      "--dpkgopt=path-include=/usr/share/doc/*/copyright",
      ...[release, dir, ...sources],
    ],
    { timeoutSeconds: 900 },
  );
  await rm(settings, { force: true });
  // Times are taken off in the layer, and Python would then take its own compiled files for stale.
  await compilePython(dir, ["/usr/lib/python3", pythonLibrary(dir)]);
}

const pythonLibrary = (root: string): string => {
  const name = readdirSync(join(root, "usr", "lib")).find((entry) => /^python3\.\d+$/.test(entry));
  if (name === undefined) throw new Error("the Debian root holds no Python library");
  return `/usr/lib/${name}`;
};

/** Compiles Python files inside the root so that they are used whatever their times and never checked again. */
export async function compilePython(root: string, dirs: readonly string[]): Promise<void> {
  const flags = ["-q", "-q", "-f", "-j", "2", "--invalidation-mode", "unchecked-hash"];
  // Some packages ship templates that are no valid Python: compileall then ends with 1 and has done the rest.
  const compile = 'python3 -m compileall "$@" || [ $? -eq 1 ]';
  await run("chroot", [root, "sh", "-c", compile, "sh", ...flags, ...dirs], {
    timeoutSeconds: 600,
    env: { PYTHONHASHSEED: "0" },
  });
}

/** The version of Python in the root, `3.11.2` for example: packages are chosen for it. */
export const pythonVersion = async (root: string): Promise<string> =>
  (
    await run("chroot", [
      root,
      "python3",
      "-c",
      "import platform; print(platform.python_version())",
    ])
  ).trim();
