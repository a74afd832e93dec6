import { existsSync } from "node:fs";

import { UserError } from "@mcp-fleet/errors";

import { onPath, run } from "../exec";
import type { Log } from "../log";

/** A thing the bare cluster takes from the distribution, and how to tell that it is there. */
interface Need {
  readonly what: string;
  readonly debianPackage: string;
  readonly present: () => Promise<boolean>;
}

const command = (name: string, debianPackage: string): Need => ({
  what: name,
  debianPackage,
  present: () => onPath(name),
});

/** Where distributions put the CNI plugins; the first that holds them is used. */
const cniDirs = ["/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni"];

/** The directory of the CNI plugins, undefined when there is none. */
export const cniPluginDir = (): string | undefined =>
  cniDirs.find((dir) => ["ptp", "host-local", "loopback"].every((p) => existsSync(`${dir}/${p}`)));

const needs: readonly Need[] = [
  command("containerd", "containerd"),
  command("containerd-shim-runc-v2", "containerd"),
  command("ctr", "containerd"),
  command("runc", "runc"),
  command("nft", "nftables"),
  command("iptables", "iptables"),
  command("ipset", "ipset"),
  command("ip", "iproute2"),
  command("openssl", "openssl"),
  command("mount", "mount"),
  command("buildah", "buildah"),
  command("mmdebstrap", "mmdebstrap"),
  {
    what: "CNI plugins (ptp, host-local, loopback)",
    debianPackage: "containernetworking-plugins",
    present: () => Promise.resolve(cniPluginDir() !== undefined),
  },
];

/**
 * Installs what the bare cluster needs from the distribution and is not there, saying first what that is.
 * No service of those packages is started: a policy-rc.d stands in the way for as long as apt runs.
 *
 * @throws UserError when something is missing and there is no apt-get, or apt-get fails.
 */
export async function ensurePackages(log: Log): Promise<void> {
  const missing = await missingNeeds();
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((need) => need.debianPackage))];
  if (!(await onPath("apt-get"))) {
    throw new UserError(
      `The bare cluster needs ${missing.map((need) => need.what).join(", ")}, which is not on this machine.`,
      `Install the equivalents of the Debian packages ${packages.join(", ")} with your distribution's own tool.`,
    );
  }
  log.info(`About to install from the distribution with apt-get: ${packages.join(", ")}`);
  await log.step("Installing distribution packages", () => installPackages(packages));
  const still = await missingNeeds();
  if (still.length > 0) {
    throw new UserError(
      `apt-get installed ${packages.join(", ")}, and yet ${still.map((need) => need.what).join(", ")} is missing.`,
      "Install it by hand so that it is on PATH (CNI plugins: in /usr/lib/cni or /opt/cni/bin).",
    );
  }
}

async function missingNeeds(): Promise<Need[]> {
  const found = await Promise.all(needs.map((need) => need.present()));
  return needs.filter((_need, index) => found[index] !== true);
}

/** Installs packages of the distribution with apt-get; none of their services is started. */
export async function installPackages(packages: readonly string[]): Promise<void> {
  // dpkg's maintainer scripts ask policy-rc.d before they start a service; 101 means "do not".
  const script = `
set -e
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\\nexit 101\\n' > "$policy"
  chmod 755 "$policy"
  trap 'rm -f "$policy"' EXIT
fi
apt-get install --yes --quiet --no-install-recommends "$@" || {
  apt-get update --quiet
  apt-get install --yes --quiet --no-install-recommends "$@"
}`;
  const env = { DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" };
  await run("sh", ["-c", script, "sh", ...packages], { timeoutSeconds: 600, env });
}
