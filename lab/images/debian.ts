import { rm } from "node:fs/promises";
import { join } from "node:path";

import { run } from "../exec";
import { aptSources, suite, writeAptSettings } from "./machine";

/** The root's packages besides apt and the distribution's essential ones. */
const packages = ["python3", "python3-pip", "ca-certificates"];

const unwanted = ["man", "doc", "locale", "info"].map((dir) => `path-exclude=/usr/share/${dir}/*`);

const options = [
  ...["--mode=root", "--variant=apt", `--include=${packages.join(",")}`, "--skip=output/dev"],
  '--aptopt=APT::Install-Recommends "false"',
  ...unwanted.map((option) => `--dpkgopt=${option}`),
  "--dpkgopt=path-include=/usr/share/doc/*/copyright",
  // The machine's package sources are not part of the image, and no program in it may gain rights.
  '--customize-hook=rm -rf "$1"/etc/apt/sources.list* "$1"/etc/apt/apt.conf.d/99mmdebstrap',
  '--customize-hook=mkdir -p "$1"/etc/apt/sources.list.d',
  '--customize-hook=find "$1" -xdev -type f -perm /6000 -exec chmod a-s {} +',
];

/** What determines the root, except the packages' versions, which are the release's current ones. */
export const rootParts = (): string[] => [suite(), ...options];

/**
 * Makes a Debian root with Python and pip, `root.tar` in `dir`, from the machine's own apt sources and settings.
 *
 * @throws UserError when the machine has no apt source for its own release, or a download fails.
 */
export async function makeRoot(dir: string): Promise<void> {
  const settings = join(dir, "apt.conf");
  await writeAptSettings(settings);
  try {
    await run(
      "mmdebstrap",
      [...options, `--aptopt=${settings}`, suite(), join(dir, "root.tar"), ...aptSources()],
      { timeoutSeconds: 900 },
    );
  } finally {
    await rm(settings, { force: true });
  }
}
