import { existsSync, linkSync, mkdirSync, renameSync, statSync } from "node:fs";
import { basename, join } from "node:path";

import { ensureBuilt, type GoBuild, pinnedVersion, targetOf } from "../go-modules";
import type { Log } from "../log";
import { paths } from "../paths";
import { installLaunchers } from "./language-host/launchers";
import { pluginVersion } from "./plugins";
import { installPlugins } from "./providers/launchers";

/** A CLI with its plugins, and the Pulumi home that they are in. */
export interface BuiltEngine {
  readonly command: string;
  readonly home: string;
}

function cli(): GoBuild {
  const version = pinnedVersion("pulumi", "github.com/pulumi/pulumi/pkg/v3");
  return {
    name: "pulumi",
    what: `Pulumi's CLI ${version}`,
    minutes: 4,
    scratchGiB: 4,
    sources: [],
    packages: ["github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"],
    output: "bin/pulumi",
    flags: [
      `-ldflags=-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=${version}`,
    ],
  };
}

/** Its version must equal that of the npm package: the program requests it by number. */
function kubernetesPlugin(): GoBuild {
  const version = pluginVersion("kubernetes");
  const module = "github.com/pulumi/pulumi-kubernetes";
  return {
    name: "kubernetes-plugin",
    what: `Pulumi's Kubernetes plugin ${version}`,
    minutes: 7,
    scratchGiB: 8,
    sources: ["main.go"],
    packages: ["."],
    output: "pulumi-resource-kubernetes",
    flags: [
      // Compiling its Go SDK is most of the work, and it rarely runs, so the compiler does not optimise it.
      `-gcflags=${module}/sdk/v4/...=-N -l`,
      `-ldflags=-s -w -X ${module}/provider/v4/pkg/version.Version=${version}`,
    ],
  };
}

/**
 * The CLI and its Kubernetes plugin, built once from their Go modules; the lab's own language host and providers
 * replace those that no registry has.
 *
 * @throws UserError when Go is missing or too old, or a build fails
 */
export async function ensureBuiltEngine(log: Log): Promise<BuiltEngine> {
  const missing = [cli(), kubernetesPlugin()].filter((build) => !existsSync(targetOf(build)));
  if (missing.length > 0) {
    log.title(
      "Pulumi is not on PATH and cannot be downloaded: its CLI and Kubernetes plugin are built from their Go modules (270 MB stay)",
    );
  }
  // The plugin first: its last packages are compiled one by one, so another build can use the other cores.
  const plugin = await ensureBuilt(kubernetesPlugin(), log);
  const bin = join(await ensureBuilt(cli(), log), "bin");
  const home = join(paths.cache, "pulumi-home");
  // These scripts contain the paths of this checkout and this Node.js, so they are written each time.
  installLaunchers(bin);
  installPlugin(home, join(plugin, "pulumi-resource-kubernetes"));
  installPlugins(home);
  return { command: join(bin, "pulumi"), home };
}

/** Names of the builds, which change with anything that goes into them. */
export const engineBuilds = (): string[] =>
  [cli(), kubernetesPlugin()].map((build) => basename(targetOf(build)));

/** Like `pulumi plugin install --file`, but without copying the large file. */
function installPlugin(home: string, file: string): void {
  const directory = join(home, "plugins", `resource-kubernetes-v${pluginVersion("kubernetes")}`);
  mkdirSync(directory, { recursive: true });
  const target = join(directory, "pulumi-resource-kubernetes");
  if (existsSync(target) && statSync(target).ino === statSync(file).ino) return;
  const fresh = `${target}.${process.pid}`;
  linkSync(file, fresh);
  renameSync(fresh, target);
}
