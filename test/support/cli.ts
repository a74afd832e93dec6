import { join } from "node:path";

import { execa } from "execa";

/** The result of one run of the command line. */
export interface CliResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built `mcp-fleet` as a shell would, with no kubeconfig but the given one. */
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
