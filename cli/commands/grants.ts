import { Command } from "commander";

import type { CliContext } from "../context";
import { declaredCutover } from "../day-two/declared";
import { opened, openFleet, openStack, type StackOptions, withStack } from "../day-two/stack";

interface Options extends StackOptions {
  readonly role?: string;
  readonly checkRole: string;
}

/** Prints what the database's roles are to be granted. Grants nothing. */
export function grantsCommand(context: CliContext): Command {
  return withStack(new Command("grants"))
    .description("print the SQL for the cutover's role and for one that compares; run none")
    .option("--role <name>", "the cutover's role (default: the login of databaseUrl)")
    .option("--check-role <name>", "the role that only compares", "mcp_fleet_checks")
    .action(async ({ role, checkRole, ...options }: Options) => {
      const { fleet, credentials } =
        options.fleet === undefined
          ? await declaredFleet(context, options)
          : await openFleet(context, options);
      const { withDatabase } = await import("@mcp-fleet/cutover-runner");
      const { grantScript, readGrants } = await import("@mcp-fleet/row-cutover");
      const grants = await withDatabase(fleet, credentials, (db) =>
        readGrants(db, fleet.spec, { checkRole, ...(role === undefined ? {} : { role }) }),
      );
      await context.print(grants, () => grantScript(grants));
    });
}

async function declaredFleet(
  context: CliContext,
  options: StackOptions,
): Promise<Awaited<ReturnType<typeof opened>>> {
  const stack = await openStack(context, options);
  return opened(context, stack, await declaredCutover(stack));
}
