import { homedir } from "node:os";
import { join, resolve } from "node:path";

import { cleanLine, messageOf, UserError } from "@mcp-fleet/errors";
import semver from "semver";

import { onPath, run } from "../exec";
import type { Log } from "../log";
import { type BuiltEngine, ensureBuiltEngine } from "./build";
import { downloadPulumi, internetAnswers } from "./download";
import { missingPlugins } from "./plugins";

/** The Pulumi CLI that runs the program. */
export interface Installation {
  /** Path, or name on PATH. */
  readonly command: string;
  readonly version: string;
  /** Its origin, for messages. */
  readonly from: string;
  /** PULUMI_HOME with its plugins. */
  readonly home: string;
}

/** How to get an engine that is not installed yet. Tests use their own. */
export interface Means {
  internetAnswers(): Promise<boolean>;
  download(): Promise<string>;
  build(log: Log): Promise<BuiltEngine>;
}

const means: Means = {
  internetAnswers,
  download: downloadPulumi,
  build: ensureBuiltEngine,
};

/**
 * Finds the engine; the first of these that can be had:
 * 1. the CLI that MCP_FLEET_PULUMI names by its path;
 * 2. `pulumi` on PATH, with the plugins that the program needs or the means to fetch them;
 * 3. the npm package `pulumi`, which downloads CLI and plugins, where the internet answers;
 * 4. CLI and Kubernetes plugin built from their Go modules, once.
 * MCP_FLEET_PULUMI=download takes the third, MCP_FLEET_PULUMI=build the fourth.
 *
 * @throws UserError when the one that was asked for cannot be had, or none can
 */
export async function findEngine(log: Log, by: Means = means): Promise<Installation> {
  const asked = process.env.MCP_FLEET_PULUMI ?? "";
  if (asked === "download") return downloaded(by);
  if (asked === "build") return built(log, by);
  if (asked !== "") return named(asked);
  const there = (await onPath("pulumi")) ? await onThePath(log, by) : undefined;
  if (there !== undefined) return there;
  return (await by.internetAnswers()) ? downloaded(by) : built(log, by);
}

/** The oldest CLI with which this project's tests passed. */
const oldest = "3.260.0";

const ownHome = (): string => process.env.PULUMI_HOME ?? join(homedir(), ".pulumi");

async function named(asked: string): Promise<Installation> {
  const command = asked.includes("/") ? resolve(asked) : asked;
  try {
    const version = await versionOf(command);
    return { command, version, from: "named by MCP_FLEET_PULUMI", home: ownHome() };
  } catch (error) {
    throw new UserError(
      `The Pulumi CLI that MCP_FLEET_PULUMI names does not run: ${messageOf(error)}`,
      "Set it to the path of a CLI, to download or to build, or unset it.",
    );
  }
}

async function onThePath(log: Log, by: Means): Promise<Installation | undefined> {
  try {
    const version = await versionOf("pulumi");
    const missing = await missingPlugins("pulumi");
    if (missing.length === 0 || (await by.internetAnswers())) {
      return { command: "pulumi", version, from: "the one on PATH", home: ownHome() };
    }
    log.info(
      `pulumi on PATH is not used: it lacks the plugins ${missing.join(", ")}, and nothing can be downloaded`,
    );
  } catch (error) {
    log.info(`pulumi on PATH is not used: ${messageOf(error)}`);
  }
  return undefined;
}

async function downloaded(by: Means): Promise<Installation> {
  const command = await by.download();
  const version = await versionOf(command);
  return { command, version, from: "the npm package pulumi", home: ownHome() };
}

async function built(log: Log, by: Means): Promise<Installation> {
  const { command, home } = await by.build(log);
  const version = await versionOf(command);
  const from =
    "built from its Go modules; language host and plugins random and postgresql are the lab's own";
  return { command, version, from, home };
}

/**
 * @returns the output of `pulumi version`
 * @throws UserError when that is not a version, or an untested older one
 */
async function versionOf(command: string): Promise<string> {
  const env = { PULUMI_SKIP_UPDATE_CHECK: "true" };
  const said = (await run(command, ["version"], { timeoutSeconds: 60, env })).trim();
  if (semver.valid(said) !== null && semver.gte(said, oldest)) return said;
  throw new UserError(
    `${command} says that its version is ${cleanLine(said.slice(0, 60))}.`,
    `Take a Pulumi CLI of ${oldest} or later.`,
  );
}
