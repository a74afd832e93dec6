import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

/** A service mesh that this project knows. */
export type ServiceMeshKind = "istio" | "linkerd";

/** The service mesh that a workload's pods are part of. */
export interface ServiceMeshMember {
  readonly kind: ServiceMeshKind;
  /** Namespace of its control plane. @default "istio-system" or "linkerd" */
  readonly controlPlaneNamespace?: string;
}

/**
 * What asks each mesh for a proxy beside the container, and what that proxy calls: istiod's discovery and certificates
 * (15012); Linkerd's identity (8080), destination (8086) and policy (8090). From the meshes' own documentation.
 */
const meshes = {
  istio: {
    labels: { "sidecar.istio.io/inject": "true" },
    annotations: {},
    // A pod that only calls: whoever is no part of the mesh, Prometheus for one, still reaches it.
    callerAnnotations: { "traffic.sidecar.istio.io/includeInboundPorts": "" },
    namespace: "istio-system",
    ports: [15012],
  },
  linkerd: {
    labels: {},
    annotations: { "linkerd.io/inject": "enabled" },
    callerAnnotations: {},
    namespace: "linkerd",
    ports: [8080, 8086, 8090],
  },
} as const;

interface PodMetadata {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, pulumi.Input<string>>>;
}

/**
 * A pod template's metadata that makes its pods part of the mesh; as it was without one.
 *
 * @param role `caller` for pods that nobody of the mesh calls
 */
export function meshedMetadata(
  metadata: PodMetadata,
  member: ServiceMeshMember | undefined,
  role: "server" | "caller" = "server",
): { labels: Record<string, string>; annotations?: Record<string, pulumi.Input<string>> } {
  const mesh = member === undefined ? undefined : meshes[member.kind];
  const annotations = {
    ...metadata.annotations,
    ...mesh?.annotations,
    ...(role === "caller" ? mesh?.callerAnnotations : {}),
  };
  return {
    labels: { ...metadata.labels, ...mesh?.labels },
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
  };
}

/** What a NetworkPolicy has to let out for the proxy: without its control plane the pod never gets ready. */
export function controlPlaneEgress(
  member: ServiceMeshMember | undefined,
): k8s.types.input.networking.v1.NetworkPolicyEgressRule[] {
  if (member === undefined) return [];
  const { namespace, ports } = meshes[member.kind];
  const name = member.controlPlaneNamespace ?? namespace;
  return [
    {
      to: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": name } } }],
      ports: ports.map((port) => ({ protocol: "TCP", port })),
    },
  ];
}
