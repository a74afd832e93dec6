import { join } from "node:path";

import { version as postgresql } from "@pulumi/postgresql/package.json";
import { version as random } from "@pulumi/random/package.json";

import { here, type Place, writeLaunchScript } from "../grpc/launch-script";

/** The lab's own plugins, in the versions of the packages that the program uses. */
export const ownPlugins = [
  { name: "random", version: random },
  { name: "postgresql", version: postgresql },
] as const;

/**
 * Installs the lab's own plugins where a CLI looks for plugins, as `pulumi plugin install --file` would. The CLI
 * takes them from there without a warning, and without asking anybody for them.
 *
 * @param home a `PULUMI_HOME` of the lab's own. In a user's own one they would stand in for the real plugins in
 *   every stack of that user's
 */
export function installPlugins(home: string, place: Place = here): void {
  for (const { name, version } of ownPlugins) {
    writeLaunchScript(
      join(home, "plugins", `resource-${name}-v${version}`),
      `pulumi-resource-${name}`,
      join("providers", name, "main.js"),
      place,
    );
  }
}
