import type { StackConfig } from "@mcp-fleet/operations";

import { labNamespace } from "./companions";

/** Where the rows point: to the cluster's Services, or to the application's own child processes. */
export type LabTarget = "in-cluster" | "embedded";

/** The facts from which the lab writes its stack configuration. */
export interface LabFacts {
  readonly images: Readonly<Record<string, string>>;
  /** The DSN for the program. */
  readonly databaseUrl: string;
  /** The DSN for Studio's pods. */
  readonly studioDatabaseUrl: string;
  readonly kubeconfig: string;
  readonly context: string;
  /** Server key -> environment of its Secret. */
  readonly serverSecrets: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** Changes to the lab's usual configuration, key without the `mcp-fleet:` prefix; `undefined` removes a key. */
export type ConfigOverrides = Readonly<Record<string, unknown>>;

/** The five servers of the application, each with the image that the lab built. */
export function labServers(images: Readonly<Record<string, string>>): Record<string, object> {
  const keys = ["llmctl-mcp", "github", "atlassian", "chroma", "google-cloud"];
  return Object.fromEntries(keys.map((key) => [key, { image: images[key] }]));
}

/**
 * The stack configuration of the lab: what `Pulumi.<stack>.yaml` holds for a real one.
 * With `servers: {}` and `target: embedded` it is the installation before its cutover.
 */
export function labConfig(
  facts: LabFacts,
  target: LabTarget,
  overrides: ConfigOverrides = {},
): StackConfig {
  const values: Record<string, unknown> = {
    target,
    namespace: labNamespace,
    createNamespace: false,
    servers: labServers(facts.images),
    serverSecrets: facts.serverSecrets,
    databaseUrl: facts.databaseUrl,
    database: { connect: "direct", tls: "disable" },
    studio: {
      images: { embedded: facts.images["studio-embedded"], "in-cluster": facts.images.studio },
    },
    studioSecrets: { DATABASE_URL: facts.studioDatabaseUrl },
    consumers: [{ name: "executor", labels: { "llmctl.executor": "true" } }],
    probe: { image: facts.images.probe },
    cutover: { softReferences: chatDefaults },
    allowed: { contexts: [facts.context], namespaces: [labNamespace] },
    ...overrides,
  };
  const plain = (value: unknown): StackConfig[string] => ({ value, secret: false });
  return {
    "kubernetes:kubeconfig": plain(facts.kubeconfig),
    "kubernetes:context": plain(facts.context),
    ...Object.fromEntries(
      Object.entries(values)
        .filter(([, value]) => value !== undefined)
        .map(([key, value]) => [`mcp-fleet:${key}`, { value, secret: secretKeys.has(key) }]),
    ),
  };
}

const secretKeys = new Set(["serverSecrets", "databaseUrl", "studioSecrets"]);

/** The ids of default servers that the application keeps as comma-separated text. */
const chatDefaults = [
  {
    table: "integration_settings",
    where: "provider = 'chat' AND key = 'default_mcp_server_ids'",
    column: "value",
    format: "comma-separated",
  },
];
