import type * as k8s from "@kubernetes/client-node";

/** A server of the lab as the tests of the command line need it: small, and with one thing peculiar. */
export interface ServerSpec {
  readonly name: string;
  readonly namespace: string;
  readonly image: string;
  readonly replicas: number;
  readonly command?: readonly string[];
  readonly port?: number;
  /** In seconds. */
  readonly grace?: number;
  /** @default a TCP check of the port */
  readonly readiness?: k8s.V1Probe;
  readonly nodeSelector?: Readonly<Record<string, string>>;
}

/** A Deployment with the label of an MCP server, and a ClusterIP Service of the same name. */
export function serverObjects(server: ServerSpec): [k8s.V1Deployment, k8s.V1Service] {
  const { name, namespace, image, replicas, command, grace, nodeSelector, port = 9020 } = server;
  const matchLabels = { "app.kubernetes.io/name": name };
  const labels = { ...matchLabels, "app.kubernetes.io/component": "mcp-server" };
  const metadata = { name, namespace, labels };
  const container: k8s.V1Container = {
    name: "server",
    image,
    imagePullPolicy: "IfNotPresent",
    ...(command === undefined ? {} : { command: [...command] }),
    env: [{ name: "PORT", value: String(port) }],
    ports: [{ containerPort: port }],
    readinessProbe: server.readiness ?? { tcpSocket: { port }, periodSeconds: 1 },
  };
  return [
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata,
      spec: {
        replicas,
        selector: { matchLabels },
        template: {
          metadata: { labels },
          spec: {
            terminationGracePeriodSeconds: grace ?? 1,
            ...(nodeSelector === undefined ? {} : { nodeSelector: { ...nodeSelector } }),
            containers: [container],
          },
        },
      },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata,
      spec: { selector: matchLabels, ports: [{ port, targetPort: port }] },
    },
  ];
}

/** A Deployment with the label of an MCP server, as a list of the API has it, for what looks at objects only. */
export function serverWorkload(metadata: k8s.V1ObjectMeta): k8s.V1Deployment {
  const labels = { ...metadata.labels, "app.kubernetes.io/component": "mcp-server" };
  return {
    kind: "Deployment",
    metadata: { ...metadata, labels },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: "server", image: "i:1" }] } },
    },
  };
}
