import { resolve } from "node:path";

import { UserError } from "@mcp-fleet/errors";
import { componentLabel } from "@mcp-fleet/kube";

import { studioComponent } from "../components/studio";
import { RenderMonitor } from "./monitor";
import { objectsOf, type Rendered } from "./objects";
import { readStackFile, unknownSecret } from "./stack-file";

/** The input of a rendering. */
export interface RenderOptions {
  /** A `Pulumi.<stack>.yaml`, or a .json file with the output of `pulumi config --json --show-secrets`. */
  readonly file: string;
  /** The output directory; the program learns it and refuses what cannot be rendered. */
  readonly directory: string;
  /**
   * Leaves out the row rewrite, and the application, which may not start before it.
   * @default false
   */
  readonly serversOnly?: boolean;
  /** `<server>.<KEY>` of secrets that the file does not contain. */
  readonly assumedSecrets?: readonly string[];
  /** Names of the Secrets to write with their values. */
  readonly withSecrets?: readonly string[];
}

/**
 * Runs the program with a stack file and returns its Kubernetes objects. Needs neither the Pulumi CLI nor a
 * cluster. Once per process, because the SDK has global state.
 *
 * @throws UserError for a wrong configuration, and for a stack that YAML cannot represent
 */
export async function render(options: RenderOptions): Promise<Rendered> {
  const { values, secretKeys } = readStackFile(options.file, options.assumedSecrets);
  refuseShared(values);
  const config: Record<string, string> = {
    ...values,
    // Pulumi's own switch for its render mode, so that the program refuses the same things.
    "kubernetes:renderYamlToDirectory": resolve(options.directory),
    ...(options.serversOnly === true ? serversOnly(values) : {}),
  };
  // The program checks how values are written in the file.
  process.env.MCP_FLEET_STACK_FILE = resolve(options.file);
  const monitor = await RenderMonitor.install("render", config, [
    ...secretKeys,
    ...(options.serversOnly === true ? ["mcp-fleet:studioSecrets"] : []),
  ]);
  const { default: program } = await import("../index.js");
  await monitor.run(program);
  const declared =
    options.serversOnly === true
      ? monitor.declared.filter(({ inputs }) => !isApplication(inputs))
      : monitor.declared;
  return objectsOf(declared, options.withSecrets ?? []);
}

/** Another stack's outputs are in its state, which only the engine reads. */
function refuseShared(values: Readonly<Record<string, string>>): void {
  const text = values["mcp-fleet:shared"] ?? "{}";
  if (text === "{}") return;
  throw new UserError(
    "[shared] names outputs of another stack, which cannot be read here.",
    "Render a copy of the file in which shared is replaced by the values: namespace, and databaseUrl for the cutover.",
  );
}

/** The application stays in the configuration, because it is one of the servers' callers. */
function serversOnly(values: Readonly<Record<string, string>>): Record<string, string> {
  const object = (key: string): object => JSON.parse(values[`mcp-fleet:${key}`] ?? "{}") as object;
  return {
    "mcp-fleet:cutover": JSON.stringify({ ...object("cutover"), enabled: false }),
    // Undefined is omitted in JSON: the exporter checks the rows.
    "mcp-fleet:observability": JSON.stringify({ ...object("observability"), exporter: undefined }),
    "mcp-fleet:studioSecrets": JSON.stringify({ DATABASE_URL: unknownSecret }),
  };
}

function isApplication(inputs: Readonly<Record<string, unknown>>): boolean {
  const metadata = inputs.metadata as { labels?: Record<string, string> } | undefined;
  return metadata?.labels?.[componentLabel] === studioComponent;
}
