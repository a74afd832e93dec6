import { homedir } from "node:os";
import { join, resolve } from "node:path";

import { UserError } from "@mcp-fleet/errors";

/** The project's own directory: two levels above the compiled file (`dist/lab`). */
const projectDir = resolve(__dirname, "..", "..");

const cache = process.env.MCP_FLEET_CACHE ?? join(homedir(), ".cache", "mcp-fleet");
const run = join(cache, "lab");
const installation = installationNumber();

/**
 * `LAB_INSTALLATION`, a number: another application on the same cluster, with its own namespace, database and
 * stacks. Tests use two at once. Default: that of `make up`, which has none.
 */
function installationNumber(): string | undefined {
  const given = process.env.LAB_INSTALLATION ?? "";
  if (/^[1-9]?$/.test(given)) return given === "" ? undefined : given;
  throw new UserError(
    `LAB_INSTALLATION is "${given}".`,
    "Set it to a number from 1 to 9, or leave it out.",
  );
}

const installations = join(run, "installations");
const own = installation === undefined ? run : join(installations, installation);

/** Every place the lab reads or writes. `MCP_FLEET_CACHE` moves all of them; default `~/.cache/mcp-fleet`. */
export const paths = {
  projectDir,
  cache,
  /** Built binaries, one directory for each content hash. */
  bin: join(cache, "bin"),
  /** Image archives, one for each content hash. */
  images: join(cache, "images"),
  /** What a running lab owns: kubeconfig, keys, logs, process ids, database files, state. */
  run,
  kubeconfig: join(run, "kubeconfig"),
  pki: join(run, "pki"),
  logs: join(run, "logs"),
  pids: join(run, "pids"),
  /** `LAB_INSTALLATION`. */
  installationNumber: installation,
  /** One directory for each installation except that of `make up`. */
  installations,
  /** Database files and engine state of this installation. */
  installation: own,
  /** State, history and generated configuration of the engine. */
  engine: join(own, "engine"),
} as const;

/** The record of the bare cluster of the lab that has this cache. */
export const clusterRecordIn = (directory: string): string =>
  join(directory, "lab", "cluster.json");

/** A name for an object that each installation has: `llmctl`, `llmctl-2`. */
export const ofInstallation = (name: string): string =>
  installation === undefined ? name : `${name}-${installation}`;
