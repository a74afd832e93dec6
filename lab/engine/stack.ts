import { randomBytes } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { delimiter, dirname, isAbsolute, join } from "node:path";

import { PulumiStack, type StackPlace } from "@mcp-fleet/engine";

import { ofInstallation, paths } from "../paths";
import type { Installation } from "./find";

/** Name of the lab's own stack. The lab's other stacks begin with it and a dash, so that git ignores their files. */
export const stackName = ofInstallation("lab");

/** What the CLI needs to find the lab's stacks, besides the user's environment. */
export type EngineEnvironment = Readonly<Record<string, string>>;

/** Tells `mcp-fleet --lab` and `make env` how to reach the lab's stack. It contains the passphrase. */
export const placeFile = join(paths.engine, "stack.json");

/**
 * Creates a stack of this checkout's project in the lab's own backend, unless it exists. The user's login and
 * selected stack do not change.
 */
export async function openStack(
  installation: Installation,
  { name = stackName, kubeconfig }: { readonly name?: string; readonly kubeconfig?: string } = {},
): Promise<PulumiStack> {
  const place: StackPlace = {
    directory: paths.projectDir,
    stack: name,
    command: installation.command,
    env: {
      ...engineEnvironment(installation),
      ...(kubeconfig === undefined ? {} : { KUBECONFIG: kubeconfig }),
    },
  };
  const stack = new PulumiStack(place);
  await stack.create();
  if (name === stackName) writeFileSync(placeFile, JSON.stringify(place), { mode: 0o600 });
  return stack;
}

/** The lab's backend, with a Pulumi home of its own. */
const engineEnvironment = (installation: Installation): EngineEnvironment =>
  environmentOf(installation, {
    home: join(paths.engine, "home"),
    backend: join(paths.engine, "backend"),
    passphrase: passphrase(),
  });

/** The environment for a file backend, with a Pulumi home that has only the installation's plugins. */
export function environmentOf(
  { command, home: installed }: Installation,
  { home, backend, passphrase }: Readonly<Record<"home" | "backend" | "passphrase", string>>,
): EngineEnvironment {
  for (const directory of [home, backend]) mkdirSync(directory, { recursive: true, mode: 0o700 });
  const plugins = join(home, "plugins");
  mkdirSync(join(installed, "plugins"), { recursive: true });
  // Created atomically: another process may be using it.
  const fresh = `${plugins}.${process.pid}`;
  rmSync(fresh, { force: true });
  // In a shell of `make env` the installation is this home itself, and must not be linked to itself.
  symlinkSync(realpathSync(join(installed, "plugins")), fresh);
  renameSync(fresh, plugins);
  return {
    PULUMI_HOME: home,
    PULUMI_BACKEND_URL: `file://${backend}`,
    PULUMI_CONFIG_PASSPHRASE: passphrase,
    PULUMI_SKIP_UPDATE_CHECK: "true",
    // The language host starts `node` from PATH, which must be the current one.
    PATH: [
      dirname(process.execPath),
      ...(isAbsolute(command) ? [dirname(command)] : []),
      process.env.PATH ?? "",
    ].join(delimiter),
  };
}

/**
 * The passphrase for the secrets of the lab's stacks. Created once for each user and kept after `make down`, so
 * that a stack file in another checkout can still be read.
 */
export const passphraseFile = join(paths.cache, "lab-passphrase");

function passphrase(): string {
  mkdirSync(paths.cache, { recursive: true });
  if (!existsSync(passphraseFile)) {
    writeFileSync(passphraseFile, randomBytes(24).toString("hex"), { mode: 0o600, flag: "wx" });
  }
  return readFileSync(passphraseFile, "utf8");
}

/** Removes this installation's state, and its stacks' files in this checkout. */
export function forgetStacks(): void {
  rmSync(paths.engine, { recursive: true, force: true });
  removeStackFiles(new RegExp(`^Pulumi\\.${stackName}(-[a-z].*)?\\.yaml$`));
}

/** Removes the state and the stacks' files of every installation. */
export function forgetAllStacks(): void {
  rmSync(join(paths.run, "engine"), { recursive: true, force: true });
  rmSync(paths.installations, { recursive: true, force: true });
  removeStackFiles(/^Pulumi\.lab(-.*)?\.yaml$/);
}

function removeStackFiles(which: RegExp): void {
  for (const name of readdirSync(paths.projectDir)) {
    if (which.test(name)) rmSync(join(paths.projectDir, name));
  }
}
