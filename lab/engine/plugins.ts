import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { onPath, run } from "../exec";

interface Plugin {
  readonly name: string;
  readonly version: string;
}

interface Manifest {
  version?: string;
  pulumi?: { name?: string; version?: string };
}

/**
 * Of the plugins that the program's packages ask for, those the lab's stack makes resources with: it leaves out
 * `database.manage`, which is what `postgresql` and `random` are for.
 */
const used: readonly string[] = ["kubernetes"];

/** The resource plugins that the lab's stack needs, in the versions of the Pulumi packages beside the program. */
function neededPlugins(projectDir: string): Plugin[] {
  const scope = join(projectDir, "node_modules", "@pulumi");
  return used.flatMap((directory) => {
    const file = join(scope, directory, "package.json");
    if (!existsSync(file)) return [];
    const { pulumi, version = "" } = JSON.parse(readFileSync(file, "utf8")) as Manifest;
    return [{ name: pulumi?.name ?? directory, version: pulumi?.version ?? version }];
  });
}

/** Those of them that the CLI does not have, neither installed nor on PATH, as `name version`. */
export async function missingPlugins(command: string, projectDir: string): Promise<string[]> {
  const listed = await run(command, ["plugin", "ls", "--json"], { timeoutSeconds: 60 });
  const installed = JSON.parse(listed) as { name: string; kind: string; version?: string }[];
  const missing: string[] = [];
  for (const needed of neededPlugins(projectDir)) {
    const found = installed.some(
      (item) =>
        item.kind === "resource" &&
        item.name === needed.name &&
        item.version?.replace(/^v/, "") === needed.version.replace(/^v/, ""),
    );
    // The CLI takes one on PATH whatever its version, and says so in a warning.
    if (found || (await onPath(`pulumi-resource-${needed.name}`))) continue;
    missing.push(`${needed.name} ${needed.version}`);
  }
  return missing;
}
