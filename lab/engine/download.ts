import { existsSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";

import { run } from "../exec";
import { paths } from "../paths";

/** Version of the npm package `pulumi`, which downloads the CLI of the same version when it first runs. */
const version = "3.265.0";

/** Where the CLI and its plugins are downloaded from. */
const host = "get.pulumi.com";
const probeMillis = 2000;

/** Whether the download server of the CLI and its plugins can be reached: a connection within two seconds. */
export function internetAnswers(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port: 443 });
    const end = (answer: boolean): void => {
      socket.destroy();
      clearTimeout(timer);
      resolve(answer);
    };
    // A name lookup can take longer than the socket's own time limit.
    const timer = setTimeout(() => end(false), probeMillis);
    socket.once("connect", () => end(true)).once("error", () => end(false));
  });
}

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
