import { createRequire } from "node:module";
import { join } from "node:path";

import { UserError } from "@mcp-fleet/errors";

/**
 * The path of a start script of the SDK that a directory's program would load.
 *
 * @throws UserError where the SDK is not installed for it
 */
export function sdkScript(
  name: "run" | "run-plugin" | "run-policy-pack" | "dynamic-provider",
  directory: string,
): string {
  const script = `@pulumi/pulumi/cmd/${name}`;
  try {
    return createRequire(join(directory, "package.json")).resolve(script);
  } catch {
    throw new UserError(
      `The package @pulumi/pulumi is not installed for ${directory}.`,
      "Run `pulumi install` or `npm ci` there.",
    );
  }
}
