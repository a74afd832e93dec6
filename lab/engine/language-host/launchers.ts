import { here, type Place, writeLaunchScript } from "../grpc/launch-script";

/** The executables that the CLI expects beside itself, and the scripts that they run. */
const launchers = {
  "pulumi-language-nodejs": "language-host/main.js",
  "pulumi-resource-pulumi-nodejs": "language-host/dynamic-provider.js",
} as const;

/**
 * Writes the language host for Node.js and the launcher of dynamic providers beside a Pulumi CLI.
 *
 * @param directory where the CLI's binary itself is. The CLI takes them from there without a warning; it warns of
 *   those that it finds on PATH elsewhere
 */
export function installLaunchers(directory: string, place: Place = here): void {
  for (const [name, script] of Object.entries(launchers)) {
    writeLaunchScript(directory, name, script, place);
  }
}
