import { existsSync, readdirSync, readFileSync } from "node:fs";
import { cp, mkdir, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, join } from "node:path";

import { UserError } from "@mcp-fleet/errors";

import { run } from "../exec";

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

/**
 * This machine's apt source files for its own release, without other vendors' sources.
 *
 * @throws UserError when there is none.
 */
export function aptSources(): readonly string[] {
  const release = suite();
  const listed = existsSync("/etc/apt/sources.list.d")
    ? readdirSync("/etc/apt/sources.list.d")
    : [];
  const files = listed
    .filter((file) => /\.(sources|list)$/.test(file))
    .sort()
    .map((file) => `/etc/apt/sources.list.d/${file}`);
  const named = new RegExp(`(^|\\s)${release}(\\s|$)`, "m");
  const found = ["/etc/apt/sources.list", ...files].filter((file) => {
    if (!existsSync(file)) return false;
    const text = readFileSync(file, "utf8").replace(/^\s*#.*$/gm, "");
    return named.test(text) && /\bmain\b/.test(text);
  });
  if (found.length > 0) return found;
  throw new UserError(
    `No apt source of this machine names its release (${release}), so there is nothing to make images from.`,
    "Add the distribution's own source to /etc/apt/sources.list.d.",
  );
}

/** apt's settings for downloads (proxies, certificates), in a file that only this user may read. */
export async function writeAptSettings(file: string): Promise<void> {
  await writeFile(file, await run("apt-config", ["dump", "Acquire"]), { mode: 0o600 });
}

/**
 * What a RUN step needs of this machine to install packages: sources and settings of apt, pip and npm, and the
 * certificates it trusts. They are mounted for the build, read-only, and are in no image.
 *
 * @param dir for what has to be written first
 * @returns arguments for `buildah build`
 */
export async function mountedSettings(dir: string): Promise<string[]> {
  const sources = join(dir, "sources.list.d");
  const settings = join(dir, "apt.conf.d");
  for (const one of [sources, settings]) await mkdir(one, { recursive: true });
  for (const file of aptSources()) await cp(file, join(sources, basename(file)));
  await writeAptSettings(join(settings, "machine"));
  const pip = [".config/pip/pip.conf", ".pip/pip.conf"].map((file) => join(homedir(), file));
  const npm = join(dir, "npmrc");
  // Node.js has certificates of its own by default.
  const registry = await npmSetting("registry");
  await writeFile(npm, `registry=${registry}\ncafile=${certificates}\n`, { mode: 0o600 });
  const mounts: [from: string | undefined, to: string][] = [
    [sources, "/etc/apt/sources.list.d"],
    [settings, "/etc/apt/apt.conf.d"],
    [certificates, certificates],
    ["/etc/pip.conf", "/etc/pip.conf"],
    [pip.find(existsSync), "/root/.config/pip/pip.conf"],
    [npm, "/usr/local/etc/npmrc"],
    [await npmSetting("userconfig"), "/root/.npmrc"],
  ];
  return mounts.flatMap(([from, to]) =>
    from === undefined || !existsSync(from) ? [] : ["--volume", `${from}:${to}:ro`],
  );
}

const certificates = "/etc/ssl/certs/ca-certificates.crt";

const npmSetting = async (name: string): Promise<string> =>
  (await run("npm", ["config", "get", name])).trim();
