import { existsSync, readFileSync } from "node:fs";

import { integratedServers } from "@mcp-fleet/catalog";
import {
  checkStack,
  ConfigError,
  encryptedIn,
  type Problem,
  type ResolvedServer,
  secretKeys,
  stackSchema,
  type StackSettings,
  unknownKey,
  valueOfText,
} from "@mcp-fleet/schema";
import * as pulumi from "@pulumi/pulumi";

import { headerValueProblems } from "./headers";
import { isSecret, namesOfSecrets, type SecretValues, setTwice } from "./secrets";
import { readShared, type SharedValues } from "./shared";
import { readToolLocks, type ToolLocks } from "./tools-lock";

const project = "mcp-fleet";

/** The program's complete configuration. Secrets are outputs; their values are read nowhere else. */
export interface StackConfig {
  readonly settings: Readonly<StackSettings>;
  readonly servers: readonly ResolvedServer[];
  readonly secrets: SecretValues;
  /** What the servers' tools were agreed to be. */
  readonly locks: ToolLocks;
  /** The Kubernetes provider's cluster. */
  readonly kubernetes: KubernetesConfig;
}

/** The parts of the Kubernetes provider's configuration that the program checks. */
interface KubernetesConfig {
  readonly context?: string;
  readonly kubeconfig?: string;
  /** Whether objects are only rendered as YAML (`renderYamlToDirectory`). */
  readonly rendered: boolean;
  /** Whether updates of unreachable objects count as done (`skipUpdateUnreachable`). */
  readonly skipsUnreachable: boolean;
}

/**
 * Reads the stack's configuration. Nothing else does.
 *
 * @throws ConfigError with every problem at once.
 */
export async function loadConfig(): Promise<StackConfig> {
  const raw = ownKeys();
  const problems: Problem[] = [];
  const values = parseValues(raw, problems);
  const shared = await sharedValues(values, problems);
  const secrets = namesOfSecrets(project, shared, problems);

  const kubernetes = kubernetesConfig();
  const {
    settings,
    servers,
    problems: found,
  } = checkStack(
    values,
    {
      databaseUrl: secrets.databaseUrl !== undefined,
      meshDatabaseUrl: secrets.meshDatabaseUrl !== undefined,
      studio: secrets.studio,
      servers: secrets.servers,
    },
    {
      catalog: integratedServers,
      text: stackFileText(),
      rendered: kubernetes.rendered,
      further: (checked) => unprovable(checked, kubernetes),
    },
  );
  problems.push(...found);
  if (settings?.cutover.enabled === true) problems.push(...headerValueProblems(servers, secrets));
  const locks = readToolLocks(stackFile(), servers, problems);
  if (settings === undefined || problems.length > 0) throw new ConfigError(problems);
  return { settings, servers, secrets, locks, kubernetes };
}

/**
 * The values from another stack. `namespace` is added to `values`.
 *
 * @throws ConfigError when they cannot be read, since most later problems would only repeat that
 */
async function sharedValues(
  values: Record<string, unknown>,
  problems: Problem[],
): Promise<SharedValues> {
  // The engine has no optional keys, so an empty one means none.
  if (values.namespace === "") delete values.namespace;
  const { success, data } = stackSchema.shape.shared.safeParse(values.shared);
  if (!success || data === undefined) return {};
  const before = problems.length;
  const shared = await readShared(data, problems);
  if (problems.length > before) throw new ConfigError(problems);
  if (data.outputs.namespace !== undefined) {
    if (values.namespace !== undefined) problems.push(setTwice("namespace"));
    values.namespace = shared.namespace;
  }
  return shared;
}

/** The stack's file: the rendered one, else the engine's usual one. */
function stackFile(): string {
  return process.env.MCP_FLEET_STACK_FILE ?? `Pulumi.${pulumi.getStack()}.yaml`;
}

/** Its text, to check how values are written there. Empty without one. */
function stackFileText(): string {
  const file = stackFile();
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

/** The keys of our own namespace, without the namespace. */
function ownKeys(): Map<string, string> {
  const prefix = `${project}:`;
  const entries = Object.entries(pulumi.runtime.allConfig())
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, value]) => [key.slice(prefix.length), value] as const);
  return new Map(entries);
}

/** The engine passes text: objects, arrays and booleans as JSON. Secrets are omitted. */
function parseValues(raw: Map<string, string>, problems: Problem[]): Record<string, unknown> {
  const shape = stackSchema.shape as Record<string, unknown>;
  const known = [...Object.keys(shape), ...secretKeys];
  const values: Record<string, unknown> = {};
  for (const [key, text] of raw) {
    if (secretKeys.includes(key)) continue;
    if (!Object.hasOwn(shape, key)) {
      problems.push(unknownKey([key], known));
      continue;
    }
    if (isSecret(project, key) === true) {
      problems.push(...encryptedIn(stackFileText(), key));
      continue;
    }
    const read = valueOfText(key, text);
    if ("problem" in read) problems.push(read.problem);
    else values[key] = read.value;
  }
  return values;
}

/** Provider options under which a cutover would have no proof that the servers run. */
function unprovable(settings: StackSettings, kubernetes: KubernetesConfig): Problem[] {
  if (!settings.cutover.enabled) return [];
  const problems: Problem[] = [];
  if (kubernetes.rendered) {
    problems.push({
      path: "cutover.enabled",
      problem: "cannot be rendered: YAML cannot prove that a server answers, and moves no row.",
      fix: "Use pulumi up, render the servers alone (--servers-only), or set cutover.enabled to false.",
    });
  }
  if (kubernetes.skipsUnreachable) {
    problems.push({
      path: "kubernetes:skipUpdateUnreachable",
      problem: "ignores servers that could not be updated, and the rows would be moved anyway.",
      fix: "Remove it (and PULUMI_K8S_SKIP_UPDATE_UNREACHABLE), or set cutover.enabled to false.",
    });
  }
  return problems;
}

function kubernetesConfig(): KubernetesConfig {
  const config = new pulumi.Config("kubernetes");
  const context = config.get("context");
  const kubeconfig = config.get("kubeconfig");
  const skips =
    config.get("skipUpdateUnreachable") ?? process.env.PULUMI_K8S_SKIP_UPDATE_UNREACHABLE;
  return {
    context,
    kubeconfig,
    rendered: (config.get("renderYamlToDirectory") ?? "") !== "",
    skipsUnreachable: ["true", "1"].includes(skips ?? ""),
  };
}
