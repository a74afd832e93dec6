import { readFileSync } from "node:fs";
import { join } from "node:path";

import type { PulumiStack } from "./stack";

/** A provider plugin that a project's packages ask for. */
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
 * What the CLI says of itself and of its plugins.
 * @param names of the providers that the stack uses, such as `kubernetes`
 * @throws UserError when the CLI cannot be run
 */
export async function toolchain(
  stack: Pick<PulumiStack, "directory" | "tool">,
  names: readonly string[],
): Promise<Toolchain> {
  const cli = (await stack.tool(["version"])).trim();
  const listed = JSON.parse(await stack.tool(["plugin", "ls", "--json"])) as
    readonly { readonly name: string; readonly kind: string; readonly version?: string }[] | null;
  const plugins = names.flatMap((name) => {
    const version = packageVersion(stack.directory, name);
    if (version === undefined) return [];
    const installed = (listed ?? []).flatMap((one) =>
      one.kind === "resource" && one.name === name && one.version !== undefined
        ? [one.version]
        : [],
    );
    return [{ name, version, installed }];
  });
  return { cli, plugins };
}

/** The version of a provider's package, which is the plugin's too. */
function packageVersion(directory: string, name: string): string | undefined {
  try {
    const file = join(directory, "node_modules", "@pulumi", name, "package.json");
    return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
  } catch {
    return undefined;
  }
}
