import type { PulumiStack, SecretSetting } from "@mcp-fleet/engine";
import type { Command } from "commander";

import type { CliContext } from "../../context";
import { opened, openStack, planned, type StackOptions, withStack } from "../../day-two/stack";
import { newCommand } from "../../help";
import { table } from "../../terminal";

const configKey = "mcp-fleet:serverSecrets";

export function secretsImportCommand(context: CliContext): Command {
  return withStack(
    newCommand("import", { example: "mcp-fleet secrets import --stack prod --dry-run" }),
    { file: false },
  )
    .description(
      "read the credentials that only the rows hold into the stack's secrets; prints no value",
    )
    .option("--overwrite", "replace values that the stack has already")
    .option("--dry-run", "only say which")
    .action(async (options: StackOptions & { overwrite?: true; dryRun?: true }) => {
      const stack = await openStack(context, options);
      const { fleet, credentials } = await opened(context, stack, await cutover(stack));
      const { leavesOf, pathTo } = await import("@mcp-fleet/operations");
      const { withDatabase } = await import("@mcp-fleet/cutover-runner");
      const { readCredentials } = await import("@mcp-fleet/row-cutover");
      const found = await withDatabase(fleet, credentials, (db) => readCredentials(db, fleet.spec));
      const known = leavesOf(await stack.config());
      const settings: SecretSetting[] = [];
      const listed = found.flatMap(({ key, env }) =>
        Object.entries(env).map(([name, value]) => {
          const stored = known.get(pathTo(pathTo(configKey, key, false), name, false));
          const same = stored?.value === value;
          const write = stored === undefined || (!same && options.overwrite === true);
          if (write) settings.push({ path: [configKey, key, name], value });
          const what = write ? "imported" : same ? "was there already" : "differs, and stays";
          return {
            server: key,
            name,
            what: write && options.dryRun === true ? "would be imported" : what,
          };
        }),
      );
      if (options.dryRun !== true && settings.length > 0) await stack.setSecrets(settings);
      await context.print(listed, () =>
        listed.length === 0
          ? "The rows of the configured servers hold no credentials."
          : table(
              ["server", "variable", "what"],
              listed.map(({ server, name, what }) => [server, name, what]),
            ),
      );
    });
}

/** Of the last update; before the first one, as the next would have it. */
async function cutover(stack: PulumiStack): ReturnType<PulumiStack["cutover"]> {
  try {
    return await stack.cutover();
  } catch {
    return (await planned(stack)).resources;
  }
}
