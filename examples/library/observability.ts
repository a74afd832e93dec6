import {
  FleetExporter,
  FleetObserver,
  IsolationCheck,
  Observability,
} from "@mcp-fleet/components/observability";
import * as k8s from "@pulumi/kubernetes";

/* Rules and dashboards, the pod that measures what servers do not say of themselves, the one that checks the rows, and the CronJob
 * that tries whether NetworkPolicies keep others away. */

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

const service = new k8s.core.v1.Service("search", {
  metadata: { name: "search", namespace },
  spec: { selector: { "app.kubernetes.io/name": "search" }, ports: [{ port: 8000 }] },
});

new IsolationCheck("assistant-isolation-check", {
  namespace,
  application,
  image: "ghcr.io/example/mcp-fleet-probe:0.1.0",
  services: [service],
});
