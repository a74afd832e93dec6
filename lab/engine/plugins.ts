import { readFileSync } from "node:fs";
import { join } from "node:path";

import { jsonOf } from "@mcp-fleet/engine";

import { onPath, run } from "../exec";
import { paths } from "../paths";

export interface Plugin {
  readonly name: string;
  readonly version: string;
}

interface Manifest {
  version?: string;
  pulumi?: { name?: string; version?: string };
}

const used = ["kubernetes", "random", "postgresql"] as const;

/** The resource plugins that the program needs, in the versions of the Pulumi packages beside it. */
export const neededPlugins = (): Plugin[] =>
  used.map((name) => ({ name, version: pluginVersion(name) }));

/** The version of a plugin is that of the npm package, without `v`. */
export function pluginVersion(name: (typeof used)[number]): string {
  const file = join(paths.projectDir, "node_modules", "@pulumi", name, "package.json");
  const { pulumi, version = "" } = JSON.parse(readFileSync(file, "utf8")) as Manifest;
  return (pulumi?.version ?? version).replace(/^v/, "");
}

/** Those of them that the CLI does not have, neither installed nor on PATH, as `name version`. */
export async function missingPlugins(command: string): Promise<string[]> {
  const listed = await run(command, ["plugin", "ls", "--json"], { timeoutSeconds: 60 });
  const installed = jsonOf<{ name: string; kind: string; version?: string }[]>(
    "pulumi plugin ls --json",
    listed,
  );
  const missing: string[] = [];
  for (const { name, version } of neededPlugins()) {
    const found = installed.some(
      (item) =>
        item.kind === "resource" &&
        item.name === name &&
        item.version?.replace(/^v/, "") === version,
    );
    // The CLI takes one on PATH whatever its version, and says so in a warning.
    if (found || (await onPath(`pulumi-resource-${name}`))) continue;
    missing.push(`${name} ${version}`);
  }
  return missing;
}
