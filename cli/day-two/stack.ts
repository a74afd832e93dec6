import { readFileSync } from "node:fs";
import { join } from "node:path";

import type { Credentials } from "@mcp-fleet/cutover-runner";
import { messageOf, UserError } from "@mcp-fleet/errors";
import type { CutoverResources, Fleet } from "@mcp-fleet/operations";
import type { Command } from "commander";

import type { CliContext } from "../context";
import type { Engine } from "../engine/types";
import { exitCodes } from "../exit-codes";

/** Options that say which cutover is meant. */
export interface StackOptions {
  readonly lab?: true;
  readonly fleet?: string;
  readonly stack?: string;
  readonly cwd?: string;
}

/** Adds the options of {@link StackOptions}. */
export function withStack(command: Command, { file = true } = {}): Command {
  command
    .option("--stack <name>", "the Pulumi stack (default: the one that is selected)")
    .option("-C, --cwd <directory>", "a directory of the Pulumi project (default: this one)")
    .option("--lab", "the lab on this machine instead of a Pulumi stack");
  return file
    ? command.option(
        "--fleet <file>",
        "a file that describes the cutover, where there is no Pulumi",
      )
    : command;
}

/** What runs the stack. @throws UserError for `--fleet`, which has none */
export async function openEngine(options: StackOptions): Promise<Engine> {
  if (options.fleet !== undefined) {
    throw new UserError(
      "This needs the stack, and --fleet names a file.",
      "Name the stack with --stack, or the lab with --lab.",
      { exitCode: exitCodes.usage },
    );
  }
  if (options.lab === true) {
    const { openLabEngine } = await import("../engine/lab.js");
    return openLabEngine(join(__dirname, "..", "..", ".."));
  }
  const { PulumiEngine } = await import("../engine/pulumi.js");
  return new PulumiEngine({
    ...(options.stack === undefined ? {} : { stack: options.stack }),
    ...(options.cwd === undefined ? {} : { directory: options.cwd }),
  });
}

/** A cutover and the way to its database and cluster. */
export interface Opened {
  readonly fleet: Fleet;
  readonly credentials: Credentials;
}

/** The cutover as the stack last applied it, or as the file given by `--fleet` describes it. */
export async function openFleet(context: CliContext, options: StackOptions): Promise<Opened> {
  if (options.fleet === undefined) {
    const engine = await openEngine(options);
    return opened(context, engine, await engine.resources());
  }
  const { parseFleet } = await import("@mcp-fleet/operations");
  const fleet = parseFleet(readJson(options.fleet), options.fleet);
  return { fleet, credentials: credentialsOf(context, process.env.MCP_FLEET_DATABASE_URL) };
}

/** The same for resources that are at hand, such as those of a preview. */
export async function opened(
  context: CliContext,
  engine: Engine,
  resources: CutoverResources,
): Promise<Opened> {
  const { fleetOf } = await import("@mcp-fleet/operations");
  const fleet = fleetOf(resources, `the stack (${engine.name})`);
  const own = resources.cutover.credentials as { databaseUrl?: string } | undefined;
  const given = process.env.MCP_FLEET_DATABASE_URL ?? own?.databaseUrl;
  const config = given !== undefined ? {} : await engine.config();
  const configured = config["mcp-fleet:databaseUrl"]?.value;
  const kubeconfig = (await kubeconfigOf(context, engine, config)) ?? undefined;
  return {
    fleet,
    credentials: credentialsOf(
      context,
      given ?? (typeof configured === "string" ? configured : undefined),
      kubeconfig,
    ),
  };
}

async function kubeconfigOf(
  context: CliContext,
  engine: Engine,
  known: Awaited<ReturnType<Engine["config"]>>,
): Promise<string | undefined> {
  if (context.globals().kubeconfig !== undefined) return undefined;
  const config = Object.keys(known).length > 0 ? known : await engine.config();
  const value = config["kubernetes:kubeconfig"]?.value;
  return typeof value === "string" ? value : undefined;
}

function credentialsOf(
  context: CliContext,
  databaseUrl: string | undefined,
  configured?: string,
): Credentials {
  if (databaseUrl === undefined || databaseUrl === "") {
    throw new UserError(
      "The database's address is not known: MCP_FLEET_DATABASE_URL is unset, and the stack has no mcp-fleet:databaseUrl.",
      "Set the variable to postgresql://user:password@host:port/database, or set it for the stack with pulumi config set --secret databaseUrl.",
      { exitCode: exitCodes.usage },
    );
  }
  const kubeconfig = context.globals().kubeconfig ?? configured;
  return { databaseUrl, ...(kubeconfig === undefined ? {} : { kubeconfig }) };
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as unknown;
  } catch (error) {
    // The parser's message quotes the text, which may hold a header.
    const why = error instanceof SyntaxError ? "it is not JSON" : messageOf(error);
    throw new UserError(
      `The file ${file} cannot be read: ${why}.`,
      "Give --fleet a readable file as docs/operations.md describes it.",
      { exitCode: exitCodes.usage },
    );
  }
}
