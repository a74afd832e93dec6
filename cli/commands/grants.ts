import type { Account } from "@mcp-fleet/cluster";
import { cleanLine, UserError } from "@mcp-fleet/errors";
import type { Command } from "commander";

import type { CliContext } from "../context";
import { declaredCutover, declaredWork } from "../day-two/declared";
import { opened, openFleet, openStack, type StackOptions, withStack } from "../day-two/stack";
import { exitCodes } from "../exit-codes";
import { newCommand } from "../help";

interface Options extends StackOptions {
  readonly role?: string;
  readonly checkRole: string;
  readonly serviceAccount?: string;
}

/** Prints what the database's roles, or a service account, are to be granted. Grants nothing. */
export function grantsCommand(context: CliContext): Command {
  return withStack(
    newCommand("grants", {
      group: "Rows",
      example:
        "mcp-fleet grants --stack prod --role mcp_fleet\n" +
        "mcp-fleet grants --stack prod --service-account deploy:mcp-fleet | kubectl apply -f -",
    }),
  )
    .description(
      "print the SQL for the cutover's role and one that compares, or an account's Role; apply none",
    )
    .option("--role <name>", "the cutover's role (default: the login of databaseUrl)")
    .option("--check-role <name>", "the role that only compares", "mcp_fleet_checks")
    .option(
      "--service-account <namespace:name>",
      "print the Roles of an account that updates from inside the cluster, as YAML, and no SQL",
    )
    .action(async ({ role, checkRole, serviceAccount, ...options }: Options) => {
      if (serviceAccount !== undefined) {
        return printRoles(context, options, accountOf(serviceAccount));
      }
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

/** As YAML for `kubectl apply -f -`. */
async function printRoles(
  context: CliContext,
  options: StackOptions,
  account: Account,
): Promise<void> {
  const { leaseRights, rightsOfRun, rolesOf } = await import("@mcp-fleet/cluster");
  const { stringify } = await import("yaml");
  const stack = await openStack(context, options);
  const rights = [...rightsOfRun(await declaredWork(stack)), ...leaseRights(account.namespace)];
  const seen = new Map(rights.map((right) => [JSON.stringify(right), right]));
  const roles = rolesOf([...seen.values()], account, account.name);
  await context.print(roles, () => roles.map((role) => stringify(role)).join("---\n"));
}

/** A namespace is a DNS label, an account's name a DNS subdomain. */
const accountText =
  /^([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?):([a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)$/;

function accountOf(text: string): Account {
  const [, namespace, name] = accountText.exec(text) ?? [];
  if (namespace !== undefined && name !== undefined) return { namespace, name };
  throw new UserError(
    `--service-account is "${cleanLine(text, 80)}".`,
    "Give its namespace and its name, such as --service-account deploy:mcp-fleet.",
    { exitCode: exitCodes.usage },
  );
}
