import { CutoverDatabase } from "@mcp-fleet/components/database";
import { ResourceManager } from "@mcp-fleet/components/manager";
import { Isolation } from "@mcp-fleet/components/namespace";
import { Studio } from "@mcp-fleet/components/studio";
import * as pulumi from "@pulumi/pulumi";

/* What stands around a cutover: a closed namespace, a database role with few rights, the application, an operator's agent. */

const config = new pulumi.Config("assistant");
const namespace = "assistant";
const application = "assistant";

const closed = new Isolation("assistant", {
  namespace,
  application,
  createNamespace: true,
  scope: "namespace",
  consumers: [],
});
const inNamespace = { dependsOn: [...closed.ready] };

/** Its `databaseUrl` is what a Cutover takes as its login; give that one `role.ready` in `dependsOn`. */
const role = new CutoverDatabase("assistant-database", {
  adminUrl: config.requireSecret("adminUrl"),
  adminKey: "assistant:adminUrl",
  role: "assistant_cutover",
  tables: [{ schema: "public", table: "tool_servers" }],
  sequences: [{ schema: "public", sequence: "tool_servers_id_seq" }],
  tls: "verify-full",
});

/** In a program with a Cutover, `generation` is that one's, and the Cutover is in `dependsOn`. */
const studio = new Studio(
  "assistant",
  {
    serviceName: "assistant",
    namespace,
    application,
    mode: "in-cluster",
    image: "ghcr.io/example/assistant:2.0.0",
    port: 8080,
    secrets: { DATABASE_URL: config.requireSecret("databaseUrl") },
    generation: 1,
  },
  inNamespace,
);

const manager = new ResourceManager(
  "assistant-manager",
  {
    namespace,
    application,
    image: "ghcr.io/example/mcp-fleet:0.1.0",
    servers: ["github-mcp"],
    clients: [{ name: "caretaker", labels: { "app.kubernetes.io/component": "caretaker" } }],
  },
  inNamespace,
);

export const cutoverDatabaseUrl = role.databaseUrl;
export const studioUrl = studio.url;
export const managerUrl = manager.url;
