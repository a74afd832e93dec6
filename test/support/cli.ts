import { join } from "node:path";

import { execa } from "execa";

/** What one run of the command line answered. */
export interface CliResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `mcp-fleet` as a shell would, from the build, with no kubeconfig but the one that is named. */
export async function mcpFleet(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  limitSeconds = 120,
): Promise<CliResult> {
  const ended = await execa(process.execPath, [join("bin", "mcp-fleet.cjs"), ...args], {
    reject: false,
    stdin: "ignore",
    timeout: limitSeconds * 1000,
    env: { KUBECONFIG: "", ...env },
  });
  if (ended.exitCode === undefined) throw new Error(`mcp-fleet ${args.join(" ")} did not end`);
  return { exitCode: ended.exitCode, stdout: ended.stdout, stderr: ended.stderr };
}
