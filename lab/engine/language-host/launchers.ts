import { join } from "node:path";

import { writeLaunchScript } from "../grpc/launch-script";

/** The executables that the CLI expects beside itself, and the scripts of this directory that they run. */
const launchers = {
  "pulumi-language-nodejs": "main.js",
  "pulumi-resource-pulumi-nodejs": "dynamic-provider.js",
} as const;

/**
 * Writes the language host for Node.js and the launcher of dynamic providers beside a Pulumi CLI. They run this
 * checkout's build with the Node.js that runs this, from any directory and with any PATH.
 *
 * @param directory where the CLI's binary itself is. The CLI takes them from there without a warning; it warns of
 *   those that it finds on PATH elsewhere
 */
export function installLaunchers(directory: string): void {
  for (const [name, script] of Object.entries(launchers)) {
    writeLaunchScript(directory, name, join(__dirname, script));
  }
}
