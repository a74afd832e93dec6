import { messageOf, UserError } from "@mcp-fleet/errors";

import { run } from "../exec";
import { downloadPulumi } from "./download";
import { labEngine } from "./lab";
import { missingPlugins } from "./plugins";
import { cliEngine } from "./pulumi";
import type { Engine } from "./types";

/**
 * Chooses what carries out the program: the Pulumi CLI on PATH when it has the plugins the program needs, else the
 * lab runner. `MCP_FLEET_PULUMI` changes that: `download` gets the CLI from the npm package `pulumi` first (it
 * fetches the CLI and its plugins from the internet), `off` takes the lab runner, and a path names the CLI to use.
 *
 * @param projectDir directory of the program, whose packages say which plugins it needs
 * @throws UserError when the CLI that was asked for by name cannot be had
 */
export async function chooseEngine(projectDir: string): Promise<Engine> {
  const asked = process.env.MCP_FLEET_PULUMI ?? "";
  if (asked === "off") return labEngine("MCP_FLEET_PULUMI is off");
  const named = asked !== "";
  const command = asked === "download" ? await downloadPulumi() : named ? asked : "pulumi";
  let version: string;
  try {
    version = (await run(command, ["version"], { timeoutSeconds: 60 })).trim();
  } catch (error) {
    if (!named) return labEngine("the Pulumi CLI is not on PATH");
    throw new UserError(
      `The Pulumi CLI that MCP_FLEET_PULUMI names does not run: ${messageOf(error)}`,
      "Correct the path, or unset MCP_FLEET_PULUMI.",
    );
  }
  // A CLI that was asked for may fetch the plugins that it lacks; one that was only found is not made to.
  const missing = named ? [] : await missingPlugins(command, projectDir);
  if (missing.length > 0) {
    return labEngine(
      `the Pulumi CLI ${version} lacks the plugins ${missing.join(", ")} (pulumi plugin install resource <name> <version>)`,
    );
  }
  return cliEngine(command, version);
}
