import { here, type Place, writeLaunchScript } from "../grpc/launch-script";

/** The executables that the CLI expects next to itself, and the scripts that they run. */
const launchers = {
  "pulumi-language-nodejs": "language-host/main.js",
  "pulumi-resource-pulumi-nodejs": "language-host/dynamic-provider.js",
} as const;

/**
 * Writes the language host for Node.js and the launcher of dynamic providers next to a Pulumi CLI.
 *
 * @param directory of the CLI's binary. The CLI uses them there without a warning; it warns about those
 * elsewhere on PATH
 */
export function installLaunchers(directory: string, place: Place = here): void {
  for (const [name, script] of Object.entries(launchers)) {
    writeLaunchScript(directory, name, script, place);
  }
}
