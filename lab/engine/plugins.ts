import { installedPlugins, pluginVersion as versionOfPackage } from "@mcp-fleet/engine";

import { onPath, run } from "../exec";
import { paths } from "../paths";

export interface Plugin {
  readonly name: string;
  readonly version: string;
}

const used = ["kubernetes", "random", "postgresql"] as const;

/** The resource plugins that the program needs, in the versions of the Pulumi packages beside it. */
export const neededPlugins = (): Plugin[] =>
  used.map((name) => ({ name, version: pluginVersion(name) }));

/** @throws Error when the package is not installed beside this program */
export function pluginVersion(name: (typeof used)[number]): string {
  const version = versionOfPackage(paths.projectDir, name);
  if (version === undefined) throw new Error(`@pulumi/${name} is not installed`);
  return version;
}

/** Those that the CLI lacks, neither installed nor on PATH, as `name version`. */
export async function missingPlugins(command: string): Promise<string[]> {
  const installed = installedPlugins(
    await run(command, ["plugin", "ls", "--json"], { timeoutSeconds: 60 }),
  );
  const missing: string[] = [];
  for (const { name, version } of neededPlugins()) {
    // The CLI uses one on PATH whatever its version, with a warning.
    if (installed(name).includes(version) || (await onPath(`pulumi-resource-${name}`))) continue;
    missing.push(`${name} ${version}`);
  }
  return missing;
}
