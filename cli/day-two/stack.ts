import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

import type { Credentials } from "@mcp-fleet/cutover-runner";
import type { Done, PulumiStack, StackPlace } from "@mcp-fleet/engine";
import { messageOf, readTextFile, UserError } from "@mcp-fleet/errors";
import type { CutoverResources, Fleet, StackConfig } from "@mcp-fleet/operations";
import type { Command } from "commander";

import type { CliContext } from "../context";
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
    .option("--lab", "the stack of the lab on this machine: its project, name and backend");
  return file
    ? command.option(
        "--fleet <file>",
        "a file that describes the cutover, where there is no Pulumi",
      )
    : command;
}

/** The stack. @throws UserError for `--fleet`, which has none */
export async function openStack(
  { signal }: CliContext,
  options: StackOptions,
): Promise<PulumiStack> {
  if (options.fleet !== undefined) {
    throw new UserError(
      "This needs the stack, and --fleet names a file.",
      "Name the stack with --stack, or the lab with --lab.",
      { exitCode: exitCodes.usage },
    );
  }
  const { PulumiStack } = await import("@mcp-fleet/engine");
  if (options.lab === true) return new PulumiStack({ ...labPlace(), signal });
  return new PulumiStack({
    signal,
    ...(options.stack === undefined ? {} : { stack: options.stack }),
    ...(options.cwd === undefined ? {} : { directory: options.cwd }),
  });
}

/** The lab's stack, from the file that the lab writes. */
function labPlace(): StackPlace {
  const { MCP_FLEET_CACHE, LAB_INSTALLATION: number = "" } = process.env;
  const cache = MCP_FLEET_CACHE ?? join(homedir(), ".cache", "mcp-fleet");
  const installation = number === "" ? [] : ["installations", number];
  try {
    return JSON.parse(
      readFileSync(join(cache, "lab", ...installation, "engine", "stack.json"), "utf8"),
    ) as StackPlace;
  } catch {
    throw new UserError("There is no lab on this machine.", "Start it with make up.", {
      exitCode: exitCodes.notFound,
    });
  }
}

/** A cutover and the way to its database and cluster. */
export interface Opened {
  readonly fleet: Fleet;
  readonly credentials: Credentials;
}

/** The cutover as the last update applied it, or as the file of `--fleet` describes it. */
export async function openFleet(context: CliContext, options: StackOptions): Promise<Opened> {
  if (options.fleet === undefined) {
    const stack = await openStack(context, options);
    return opened(context, stack, await stack.cutover());
  }
  const { parseFleet } = await import("@mcp-fleet/operations");
  const fleet = parseFleet(readJson(options.fleet), options.fleet);
  return { fleet, credentials: credentialsOf(context, process.env.MCP_FLEET_DATABASE_URL) };
}

/** What the next update would do. */
export interface Planned {
  readonly resources: CutoverResources;
  /** Resources by what would be done to them. */
  readonly counts: Readonly<Record<string, number>>;
}

/** @param config in place of the stack's own */
export async function planned(stack: PulumiStack, config?: StackConfig): Promise<Planned> {
  const { countsOf, cutoverResources } = await import("@mcp-fleet/engine");
  const { resources, changes } = await stack.preview(config);
  return { resources: cutoverResources(resources), counts: countsOf(changes) };
}

/** Runs `pulumi up`: with the engine's own display on a terminal, else with a line for each step. */
export function runUpdate(
  context: CliContext,
  stack: PulumiStack,
  message: string | undefined,
): Promise<Done> {
  return stack.up({
    show: process.stderr.isTTY ? "display" : "lines",
    onLine: (line) => context.note(`  ${line}`),
    signal: context.signal,
    ...(message === undefined ? {} : { message }),
  });
}

/** The cutover among given resources, such as those of a preview. */
export async function opened(
  context: CliContext,
  stack: PulumiStack,
  resources: CutoverResources,
): Promise<Opened> {
  const { fleetOf } = await import("@mcp-fleet/operations");
  const fleet = fleetOf(resources, `the stack ${await stack.name()}`);
  const own = resources.cutover.credentials as { databaseUrl?: string } | undefined;
  const given = process.env.MCP_FLEET_DATABASE_URL ?? own?.databaseUrl;
  const config = given !== undefined ? {} : await stack.config();
  const configured = config["mcp-fleet:databaseUrl"]?.value;
  const kubeconfig = (await kubeconfigOf(context, stack, config)) ?? undefined;
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
  stack: PulumiStack,
  known: Awaited<ReturnType<PulumiStack["config"]>>,
): Promise<string | undefined> {
  if (context.globals().kubeconfig !== undefined) return undefined;
  const config = Object.keys(known).length > 0 ? known : await stack.config();
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
    return JSON.parse(readTextFile(file)) as unknown;
  } catch (error) {
    // The parser's message quotes the text, which may hold a secret header.
    const why = error instanceof SyntaxError ? "it is not JSON" : messageOf(error);
    throw new UserError(
      `The file ${file} cannot be read: ${why}.`,
      "Give --fleet a readable file as docs/operations.md describes it.",
      { exitCode: exitCodes.usage },
    );
  }
}
