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

const project = "mcp-fleet";

/** Everything the program is configured with. Secrets are outputs; their values are read nowhere else. */
export interface StackConfig {
  readonly settings: Readonly<StackSettings>;
  readonly servers: readonly ResolvedServer[];
  readonly secrets: SecretValues;
  /** Where the cluster is: what the Kubernetes provider was told. */
  readonly kubernetes: KubernetesConfig;
}

/** The Kubernetes provider's own configuration, as far as the program looks at it. */
interface KubernetesConfig {
  readonly context?: string;
  readonly kubeconfig?: string;
  /** Whether objects are written as YAML (`renderYamlToDirectory`) and none is made. */
  readonly rendered: boolean;
  /** Whether updates of objects that cannot be reached count as done (`skipUpdateUnreachable`). */
  readonly skipsUnreachable: boolean;
}

/**
 * Reads the stack's configuration. The only place that does.
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
  if (settings === undefined || problems.length > 0) throw new ConfigError(problems);
  return { settings, servers, secrets, kubernetes };
}

/**
 * What the stack takes from another one. `namespace` goes to its place in `values`.
 *
 * @throws ConfigError when it cannot be had, since much of what follows would only say so again
 */
async function sharedValues(
  values: Record<string, unknown>,
  problems: Problem[],
): Promise<SharedValues> {
  // The engine takes no optional key, so an empty one stands for none.
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

/**
 * The text of the stack's file, to see how values are written there: the one that is rendered, else the engine's usual
 * one. Empty where there is none.
 */
function stackFileText(): string {
  const file = process.env.MCP_FLEET_STACK_FILE ?? `Pulumi.${pulumi.getStack()}.yaml`;
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

/** The keys of our own namespace, without it. */
function ownKeys(): Map<string, string> {
  const prefix = `${project}:`;
  const entries = Object.entries(pulumi.runtime.allConfig())
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, value]) => [key.slice(prefix.length), value] as const);
  return new Map(entries);
}

/** The engine hands over text: objects, arrays and booleans as JSON. Secrets are left out. */
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

/** Provider modes in which a cutover would have no proof that the servers run. */
function unprovable(settings: StackSettings, kubernetes: KubernetesConfig): Problem[] {
  if (!settings.cutover.enabled) return [];
  const problems: Problem[] = [];
  if (kubernetes.rendered) {
    problems.push({
      path: "cutover.enabled",
      problem: "cannot be rendered: YAML proves of no server that it answers, and moves no row.",
      fix: "Use pulumi up, render the servers alone (--servers-only), or set cutover.enabled to false.",
    });
  }
  if (kubernetes.skipsUnreachable) {
    problems.push({
      path: "kubernetes:skipUpdateUnreachable",
      problem:
        "passes over servers that could not be updated, and the rows would be moved all the same.",
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
