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

/** Its version has to be that of the npm package: the program asks for it by number. */
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
      // Its Go SDK is most of the work, and none of it runs often: it is compiled as it stands.
      `-gcflags=${module}/sdk/v4/...=-N -l`,
      `-ldflags=-s -w -X ${module}/provider/v4/pkg/version.Version=${version}`,
    ],
  };
}

/**
 * The CLI and its Kubernetes plugin out of their Go modules, built once; beside them the lab's own language host and
 * providers, where theirs are in no registry.
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
  // The plugin first: its last packages are compiled one by one, while another build can have the other cores.
  const plugin = await ensureBuilt(kubernetesPlugin(), log);
  const bin = join(await ensureBuilt(cli(), log), "bin");
  const home = join(paths.cache, "pulumi-home");
  // These are scripts that name this checkout and this Node.js; they are written anew each time.
  installLaunchers(bin);
  installPlugin(home, join(plugin, "pulumi-resource-kubernetes"));
  installPlugins(home);
  return { command: join(bin, "pulumi"), home };
}

/** Names of what is built, which are other ones once anything that goes into it is another. */
export const engineBuilds = (): string[] =>
  [cli(), kubernetesPlugin()].map((build) => basename(targetOf(build)));

/** As `pulumi plugin install --file` would, but for the copy: it is a large file. */
function installPlugin(home: string, file: string): void {
  const directory = join(home, "plugins", `resource-kubernetes-v${pluginVersion("kubernetes")}`);
  mkdirSync(directory, { recursive: true });
  const target = join(directory, "pulumi-resource-kubernetes");
  if (existsSync(target) && statSync(target).ino === statSync(file).ino) return;
  const fresh = `${target}.${process.pid}`;
  linkSync(file, fresh);
  renameSync(fresh, target);
}
