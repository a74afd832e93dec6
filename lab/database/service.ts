import type { KubernetesObject, V1EndpointSlice, V1Service } from "@kubernetes/client-node";
import { componentLabel, nameLabel, partOfLabel } from "@mcp-fleet/kube";

/** The name pods reach the lab's PostgreSQL by. */
export const databaseServiceName = "llmctl-postgres";
/** The Service's port, whatever port the server itself has. */
export const databaseServicePort = 5432;

/**
 * A Service without a selector and the EndpointSlice behind it: pods reach a PostgreSQL that runs on the
 * node itself, by a name of their own cluster. A host given by the engine (kind) works alike.
 */
export function databaseServiceObjects(target: {
  /** @default {@link databaseServiceName} */
  readonly name?: string;
  readonly namespace: string;
  /** An IPv4 address that pods reach; not loopback. */
  readonly address: string;
  readonly port: number;
}): readonly KubernetesObject[] {
  const name = target.name ?? databaseServiceName;
  const labels = {
    [nameLabel]: name,
    [componentLabel]: "database",
    [partOfLabel]: "llmctl-studio",
  };
  const service: V1Service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: target.namespace, labels },
    spec: {
      ports: [
        { name: "postgres", port: databaseServicePort, targetPort: target.port, protocol: "TCP" },
      ],
    },
  };
  const slice: V1EndpointSlice = {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: `${name}-lab`,
      namespace: target.namespace,
      labels: {
        ...labels,
        "kubernetes.io/service-name": name,
        "endpointslice.kubernetes.io/managed-by": "mcp-fleet-lab",
      },
    },
    addressType: "IPv4",
    endpoints: [{ addresses: [target.address], conditions: { ready: true } }],
    ports: [{ name: "postgres", port: target.port, protocol: "TCP" }],
  };
  return [service, slice];
}
