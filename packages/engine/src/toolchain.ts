import { readFileSync } from "node:fs";
import { join } from "node:path";

import { jsonOf } from "./process";
import type { PulumiStack } from "./stack";

/** A provider plugin that the project's packages want. */
export interface WantedPlugin {
  readonly name: string;
  readonly version: string;
  /** Versions that are installed. */
  readonly installed: readonly string[];
}

/** The Pulumi CLI and the plugins of a project. */
export interface Toolchain {
  readonly cli: string;
  readonly plugins: readonly WantedPlugin[];
}

/**
 * Versions of the CLI and of the plugins that the project wants.
 * @param names of the providers that the stack uses, such as `kubernetes`
 * @throws UserError when the CLI cannot be run
 */
export async function toolchain(
  stack: Pick<PulumiStack, "directory" | "tool">,
  names: readonly string[],
): Promise<Toolchain> {
  const cli = (await stack.tool(["version"])).trim();
  const installed = installedPlugins(await stack.tool(["plugin", "ls", "--json"]));
  const plugins = names.flatMap((name) => {
    const version = pluginVersion(stack.directory, name);
    return version === undefined ? [] : [{ name, version, installed: installed(name) }];
  });
  return { cli, plugins };
}

/**
 * Parses the output of `pulumi plugin ls --json`. The result gives the installed versions of a resource plugin.
 * @throws UserError when it is no JSON
 */
export function installedPlugins(text: string): (name: string) => readonly string[] {
  const listed = jsonOf<readonly ListedPlugin[] | null>("pulumi plugin ls --json", text) ?? [];
  return (name) =>
    listed.flatMap((one) =>
      one.kind === "resource" && one.name === name && one.version !== undefined
        ? [one.version.replace(/^v/, "")]
        : [],
    );
}

interface ListedPlugin {
  readonly name: string;
  readonly kind: string;
  readonly version?: string;
}

/** The version of a provider's plugin, without `v`: what its npm package says, else the package's own. */
export function pluginVersion(directory: string, name: string): string | undefined {
  try {
    const file = join(directory, "node_modules", "@pulumi", name, "package.json");
    const { pulumi, version } = JSON.parse(readFileSync(file, "utf8")) as Manifest;
    return (pulumi?.version ?? version).replace(/^v/, "");
  } catch {
    return undefined;
  }
}

interface Manifest {
  readonly version: string;
  readonly pulumi?: { readonly version?: string };
}
