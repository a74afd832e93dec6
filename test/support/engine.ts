import { existsSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";

import { CommandError, LocalWorkspace, type Stack } from "@pulumi/pulumi/automation";
import { execa } from "execa";

import { pulumiOfLab } from "../../lab/engine";
import { paths } from "../../lab/paths";
import { State } from "../../lab/runner/state";
import { isObject, isSecret, type Json, type JsonObject, transform } from "../../lab/runner/wire";
import { type Lab, passphrase } from "../../lab/session";
import { automationCommand } from "./scratch-backend";

/** One resource of a stack, without what an engine adds of its own. Secrets are hidden. */
export interface KnownResource {
  readonly urn: string;
  readonly custom: boolean;
  readonly inputs: JsonObject;
}

interface Exported {
  urn: string;
  custom: boolean;
  inputs?: JsonObject;
}

/**
 * Sets an environment variable for the tests of a suite.
 *
 * @returns puts back what was there before
 */
export function withEnvironment(name: string, value: string): () => void {
  const before = process.env[name];
  process.env[name] = value;
  return () => {
    if (before === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = before;
  };
}

/**
 * A Pulumi home that is empty but for the plugins of the user's own.
 *
 * @returns removes it
 */
export function temporaryHome(): () => void {
  const own = process.env.PULUMI_HOME ?? join(homedir(), ".pulumi");
  const home = mkdtempSync(join(tmpdir(), "mcp-fleet-pulumi-"));
  const plugins = join(own, "plugins");
  if (existsSync(plugins)) symlinkSync(plugins, join(home, "plugins"));
  const restore = withEnvironment("PULUMI_HOME", home);
  return () => {
    restore();
    rmSync(home, { recursive: true, force: true });
  };
}

/** How a command of the CLI ended. */
export interface Ended {
  readonly exitCode: number | undefined;
  /** What it said, both streams as they came. */
  readonly said: string;
}

/** Runs a command of the CLI on the lab's stack that has to succeed, and gives what it said. */
export async function pulumiDone(args: readonly string[]): Promise<string> {
  const { directory, env } = pulumiOfLab(paths.engine, passphrase());
  const more = ["--stack", "lab", "--color", "never", "--non-interactive"];
  const command = process.env.MCP_FLEET_PULUMI ?? "pulumi";
  const { exitCode, all } = await execa(command, [...args, ...more], {
    ...{ cwd: directory, env, timeout: 600_000, reject: false, all: true },
  });
  if (exitCode === 0) return all;
  throw new Error(`pulumi ${args.join(" ")} ended with ${exitCode}: ${all}`);
}

/** The lab's stack as the Automation API drives it, in a {@link temporaryHome}. */
export async function labStack({ engine }: Lab): Promise<Stack> {
  const { directory, env } = pulumiOfLab(paths.engine, passphrase());
  const pulumiCommand = await automationCommand(
    engine.command ?? "pulumi",
    process.env.PULUMI_HOME ?? tmpdir(),
  );
  return LocalWorkspace.selectStack(
    { stackName: "lab", workDir: directory },
    { pulumiCommand, envVars: { ...env, NO_COLOR: "1" } },
  );
}

/** What the CLI said in a run that was to fail. */
export async function failureOf(run: Promise<unknown>): Promise<string> {
  try {
    await run;
  } catch (error) {
    if (error instanceof CommandError) return error.message;
    throw error;
  }
  throw new Error("the run was to fail and did not");
}

/** What `pulumi stack export` says of the lab's stack. */
export function exportStack(...more: string[]): Promise<string> {
  return pulumiDone(["stack", "export", ...more]);
}

/** The resources the CLI knows. */
export async function resourcesOfCli(): Promise<KnownResource[]> {
  const text = await exportStack("--show-secrets");
  const { deployment } = JSON.parse(text) as { deployment: { resources: Exported[] } };
  return deployment.resources.map(comparable).filter(isOfProgram);
}

/** The resources the lab runner knows. */
export function resourcesOfLabRunner(): KnownResource[] {
  const state = new State(join(paths.engine, "state.json"), "lab", passphrase());
  return [...state.resources.values()].map(comparable).filter(isOfProgram);
}

/** Providers and the stack itself are the engine's; everything else the program registers. */
function isOfProgram({ urn }: KnownResource): boolean {
  const type = (urn.split("::")[2] ?? "").split("$").at(-1) ?? "";
  return !type.startsWith("pulumi:");
}

/** The inputs as the program means them: without what an engine fills in, leaves out or rewrites. */
function comparable({ urn, custom, inputs = {} }: Exported): KnownResource {
  const own = transform(hidden(inputs), (node) => {
    if (typeof node === "string") return node.replace(chosenName, "-chosen");
    if (!isObject(node)) return node;
    const kept = Object.entries(node).filter(([key, value]) => !unlike.has(key) && !empty(value));
    return withoutChosenName(encoded(Object.fromEntries(kept)));
  });
  return { urn, custom, inputs: isObject(own) ? own : {} };
}

/** Added by an engine; the commit, which may be another one by the second run; and the cutover's run, which is. */
const unlike: ReadonlySet<string> = new Set(["__defaults", "commit", "runId"]);

/** The end of a name that is made up, for an object of an engine or for a probe's Job. */
export const chosenName = /-[0-9a-f]{8}$/;

function empty(value: Json): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

/** The provider for Kubernetes turns the `stringData` of a Secret into `data`. */
function encoded(node: JsonObject): JsonObject {
  const { stringData, ...rest } = node;
  return stringData === undefined ? node : { ...rest, data: stringData };
}

/** Of secrets only the shape is kept: each lab has passwords of its own, and a failed comparison is printed. */
function hidden(value: Json): Json {
  return transform(value, (node) => {
    if (!isSecret(node)) return node;
    // The CLI's export has the value as JSON text.
    const clear =
      typeof node.plaintext === "string" ? (JSON.parse(node.plaintext) as Json) : node.value;
    return transform(clear ?? null, (leaf) => (typeof leaf === "object" ? leaf : "[secret]"));
  });
}

/** Metadata without the name an engine made up. */
function withoutChosenName(node: JsonObject): JsonObject {
  const { annotations, name: _chosen, ...rest } = node;
  if (!isObject(annotations) || annotations["pulumi.com/autonamed"] === undefined) return node;
  const { "pulumi.com/autonamed": _mark, ...others } = annotations;
  return Object.keys(others).length === 0 ? rest : { ...rest, annotations: others };
}
