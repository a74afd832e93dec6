import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { run } from "../exec";

interface Plugin {
  readonly name: string;
  readonly version: string;
}

interface Manifest {
  version?: string;
  pulumi?: { resource?: boolean; name?: string; version?: string };
}

/** The resource plugins that the Pulumi packages installed beside a program ask for. */
export function neededPlugins(projectDir: string): Plugin[] {
  const scope = join(projectDir, "node_modules", "@pulumi");
  if (!existsSync(scope)) return [];
  return readdirSync(scope).flatMap((directory) => {
    const file = join(scope, directory, "package.json");
    if (!existsSync(file)) return [];
    const { pulumi, version = "" } = JSON.parse(readFileSync(file, "utf8")) as Manifest;
    if (pulumi?.resource !== true) return [];
    return [{ name: pulumi.name ?? directory, version: pulumi.version ?? version }];
  });
}

/** Those of them that the CLI does not have, as `name version`. */
export async function missingPlugins(command: string, projectDir: string): Promise<string[]> {
  const listed = await run(command, ["plugin", "ls", "--json"], { timeoutSeconds: 60 });
  const installed = JSON.parse(listed) as { name: string; kind: string; version?: string }[];
  return neededPlugins(projectDir)
    .filter(
      (needed) =>
        !installed.some(
          (item) =>
            item.kind === "resource" &&
            item.name === needed.name &&
            item.version?.replace(/^v/, "") === needed.version.replace(/^v/, ""),
        ),
    )
    .map((plugin) => `${plugin.name} ${plugin.version}`);
}
