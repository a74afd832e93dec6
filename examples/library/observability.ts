import { FleetExporter, FleetObserver, Observability } from "@mcp-fleet/components/observability";

/* Rules and dashboards, the pod that measures what servers do not say of themselves, and the one that checks the rows. */

const namespace = "assistant";
const application = "assistant";

new Observability("assistant", {
  namespace,
  application,
  labels: { release: "kube-prometheus-stack" },
});

new FleetObserver("assistant-observer", {
  namespace,
  application,
  image: "ghcr.io/example/mcp-fleet-observer:0.1.0",
  servers: { github: "github-mcp" },
  certificates: ["postgresql://db.example:5432"],
});

new FleetExporter("assistant-exporter", {
  namespace,
  application,
  image: "ghcr.io/example/mcp-fleet:0.1.0",
  // What `mcp-fleet describe --in-cluster` writes for the cutover's stack.
  fleet: { target: "in-cluster" },
  database: { secret: "mcp-fleet-checks", key: "databaseUrl" },
});
