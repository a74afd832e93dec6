import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";

import { execa } from "execa";

import { paths } from "../../lab/paths";
import { State } from "../../lab/runner/state";
import { isObject, isSecret, type Json, type JsonObject, transform } from "../../lab/runner/wire";

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

/** Starts a command of the CLI on the lab's stack, in a process group of its own. */
export function startPulumi(args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  const command = process.env.MCP_FLEET_PULUMI ?? "pulumi";
  return execa(command, [...args, "--stack", "lab", "--color", "never", "--non-interactive"], {
    cwd: join(paths.engine, "pulumi-project"),
    env: {
      PULUMI_BACKEND_URL: `file://${join(paths.engine, "pulumi")}`,
      PULUMI_CONFIG_PASSPHRASE: passphrase(),
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DEBUG_COMMANDS: "true",
      PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ""}`,
      ...environment,
    },
    timeout: 600_000,
    reject: false,
    all: true,
    detached: true,
  });
}

/** Runs a command of the CLI on the lab's stack to its end, whatever that is. */
export async function pulumi(
  args: readonly string[],
  environment?: NodeJS.ProcessEnv,
): Promise<Ended> {
  const { exitCode, all } = await startPulumi(args, environment);
  return { exitCode, said: all };
}

/** The same for a command that has to succeed. */
export async function pulumiDone(args: readonly string[]): Promise<string> {
  const { exitCode, said } = await pulumi(args);
  if (exitCode !== 0) throw new Error(`pulumi ${args.join(" ")} ended with ${exitCode}: ${said}`);
  return said;
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

function passphrase(): string {
  return readFileSync(join(paths.engine, "passphrase"), "utf8");
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
