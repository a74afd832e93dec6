import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { execa } from "execa";

import { paths } from "../../lab/paths";

/** Not a dependency of the project: 110 MB of web interface come with its command line. */
const version = "2.12.0";
const place = join(paths.cache, `inspector-${version}`);
const program = join(place, "node_modules", ".bin", "mcp-inspector");

/** The result of one call of the inspector's command line. */
export interface InspectorAnswer {
  readonly exitCode: number | undefined;
  /** The JSON on standard output; undefined where it printed none. */
  readonly result: unknown;
  readonly stderr: string;
}

/** Calls the MCP inspector's command line: `target` is a URL, or a command with its arguments. */
export type Inspect = (
  options: readonly string[],
  target: readonly string[],
) => Promise<InspectorAnswer>;

/**
 * The MCP inspector's command line, from the npm registry into the cache of this machine.
 * @param home a directory of the test: the inspector keeps a file of servers in its user's home
 * @returns a text that says why there is none
 */
export async function openInspector(home: string): Promise<Inspect | string> {
  if (!existsSync(program)) {
    await mkdir(place, { recursive: true });
    await writeFile(join(place, "package.json"), `${JSON.stringify({ private: true })}\n`);
    const wanted = `@modelcontextprotocol/inspector@${version}`;
    const options = ["--no-audit", "--no-fund", "--ignore-scripts", "--save-exact"];
    const installed = await execa("npm", ["install", ...options, wanted], {
      ...{ cwd: place, reject: false, timeout: 180_000 },
    });
    if (installed.failed) {
      const why = installed.stderr.split("\n").find((line) => line.includes("error"));
      return `${wanted} cannot be had from the npm registry: ${why ?? "it did not answer in time"}`;
    }
  }
  return async (options, target) => {
    const [command = ""] = target;
    const args = command.startsWith("http")
      ? ["--cli", command, ...options]
      : ["--cli", ...options, "--", ...target];
    const { exitCode, stdout, stderr } = await execa(program, args, {
      ...{ reject: false, stdin: "ignore", timeout: 60_000 },
      env: { HOME: home },
    });
    return { exitCode, result: stdout === "" ? undefined : JSON.parse(stdout), stderr };
  };
}
