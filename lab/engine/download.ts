import { existsSync } from "node:fs";
import { join } from "node:path";

import { run } from "../exec";
import { paths } from "../paths";

/** Version of the npm package `pulumi`, which fetches the CLI of the same version when it first runs. */
const version = "3.265.0";

/**
 * Installs the npm package `pulumi` in the cache and returns the path of its command.
 *
 * @throws UserError when it cannot be installed
 */
export async function downloadPulumi(): Promise<string> {
  const directory = join(paths.cache, "pulumi", version);
  const command = join(directory, "node_modules", ".bin", "pulumi");
  if (!existsSync(command)) {
    const args = ["install", "--prefix", directory, "--no-save", "--no-audit", "--no-fund"];
    await run("npm", [...args, `pulumi@${version}`], { timeoutSeconds: 300 });
  }
  return command;
}
