import { integratedServers } from "@mcp-fleet/catalog";
import {
  ConfigError,
  meshProblems,
  type Problem,
  problemsOf,
  remainderOf,
  type ResolvedServer,
  resolveServers,
  stackSchema,
  type StackSettings,
  storageProblems,
  studioProblems,
  unknownKey,
  withCatalog,
} from "@mcp-fleet/schema";
import * as pulumi from "@pulumi/pulumi";

import { isSecret, namesOfSecrets, type SecretValues, setTwice } from "./secrets";
import { readShared, type SharedValues } from "./shared";

const project = "mcp-fleet";
const secretKeys = ["databaseUrl", "meshDatabaseUrl", "serverSecrets", "studioSecrets"];

/** Everything the program is configured with. Secrets are outputs; their values are read nowhere else. */
export interface StackConfig {
  readonly settings: Readonly<StackSettings>;
  readonly servers: readonly ResolvedServer[];
  readonly secrets: SecretValues;
  /** Where the cluster is: what the Kubernetes provider was told. */
  readonly kubernetes: KubernetesConfig;
}

/** The Kubernetes provider's own configuration, as far as the program looks at it. */
export interface KubernetesConfig {
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

  values.servers = withCatalog(values.servers, integratedServers);
  const parsed = stackSchema.safeParse(values);
  const kubernetes = kubernetesConfig();
  if (!parsed.success) {
    problems.push(...problemsOf(parsed.error, stackSchema));
    const remainder = remainderOf(values, parsed.error);
    const further =
      remainder === undefined ? [] : check(remainder.settings, secrets, kubernetes)[1];
    problems.push(...further.filter((problem) => remainder?.isArtefact(problem) === false));
    throw new ConfigError(problems);
  }
  const settings = parsed.data;
  const [servers, further] = check(settings, secrets, kubernetes);
  problems.push(...further);
  if (problems.length > 0) throw new ConfigError(problems);
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

/** What the schema cannot see: how the parts fit together. */
function check(
  settings: StackSettings,
  secrets: SecretValues,
  kubernetes: KubernetesConfig,
): [ResolvedServer[], Problem[]] {
  const problems: Problem[] = [];
  const servers = resolveServers(settings, integratedServers, secrets.servers, problems);
  problems.push(
    ...missing(settings, secrets),
    ...studioProblems(settings, secrets.studio),
    ...unprovable(settings, kubernetes),
    ...meshProblems(
      settings,
      servers.map((server) => server.name),
    ),
    ...storageProblems(settings, secrets.meshDatabaseUrl !== undefined, kubernetes.rendered),
  );
  return [servers, problems];
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
  const plainText = new Set(["target", "application", "namespace"]);
  const values: Record<string, unknown> = {};
  for (const [key, text] of raw) {
    if (secretKeys.includes(key)) continue;
    if (!(key in shape)) {
      problems.push(unknownKey([key], known));
      continue;
    }
    if (isSecret(project, key) === true) {
      problems.push({
        path: key,
        problem: "is encrypted, and would be stored in clear in objects and state.",
        fix: `Put credentials in serverSecrets.<server>.<KEY>, and this key in clear, with: pulumi config set ${key} <value>`,
      });
      continue;
    }
    const value = plainText.has(key) ? text : parseJson(text);
    if (value === undefined) {
      problems.push({
        path: key,
        problem: "is not valid JSON.",
        fix: `Write it in Pulumi.<stack>.yaml, or set parts of it with: pulumi config set --path ${key}.<name> <value>`,
      });
      continue;
    }
    values[key] = value;
  }
  return values;
}

/** Undefined for text that begins like JSON and is none; other text is left for the schema to judge. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return /^\s*[[{]/.test(text) ? undefined : text;
  }
}

/** What has to be set because of what else is set. */
function missing(settings: StackSettings, secrets: SecretValues): Problem[] {
  const problems: Problem[] = [];
  if (settings.cutover.enabled && secrets.databaseUrl === undefined) {
    problems.push({
      path: "databaseUrl",
      problem: "is missing.",
      fix: "Set it with: pulumi config set --secret databaseUrl postgresql://user:password@host:5432/database",
    });
  }
  if (settings.cutover.enabled && settings.cutover.fence && !settings.studio.enabled) {
    problems.push({
      path: "cutover.fence",
      problem:
        "would stay for ever: it is removed after the rollout of Studio, which this stack leaves out.",
      fix: "Set cutover.fence to false and see to it that no old pod writes the rows back, or let this stack deploy Studio.",
    });
  }
  const probes = settings.cutover.enabled && settings.target === "in-cluster";
  if (probes && settings.probe.from === "cluster" && settings.probe.image === undefined) {
    problems.push({
      path: "probe.image",
      problem: "is missing.",
      fix: 'Set it to the image built from images/probe, or set probe.from to "here".',
    });
  }
  if (settings.observability.exporter !== undefined && !settings.cutover.enabled) {
    problems.push({
      path: "observability.exporter",
      problem:
        "has nothing to check: it compares rows with their cutover, which this stack leaves out.",
      fix: "Remove it, or set cutover.enabled to true; observability.observer reports on the pods alone.",
    });
  }
  if (settings.database.manage !== undefined && settings.database.connect !== "direct") {
    problems.push({
      path: "database.manage",
      problem: "needs a direct connection to the database.",
      fix: 'Set database.connect to "direct", or make the role by hand and remove database.manage.',
    });
  }
  return problems;
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
    ...(context === undefined ? {} : { context }),
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    rendered: (config.get("renderYamlToDirectory") ?? "") !== "",
    skipsUnreachable: ["true", "1"].includes(skips ?? ""),
  };
}
