import type * as k8s from "@pulumi/kubernetes";

import type { Health, McpServerArgs, ServerSource } from "./args";

type Container = k8s.types.input.core.v1.Container;
type Probe = k8s.types.input.core.v1.Probe;

const defaultStartSeconds = 60;
const startupPeriodSeconds = 2;
const bridgeHealthPath = "/healthz";

/** The container of an MCP server. `secretName` is the Secret whose keys become environment variables. */
export function serverContainer(
  args: McpServerArgs,
  secretName: k8s.types.input.core.v1.SecretEnvSource["name"],
): Omit<Container, "securityContext" | "volumeMounts" | "lifecycle"> {
  return {
    name: "mcp-server",
    ...process(args),
    ports: [{ name: "http", containerPort: args.port, protocol: "TCP" }],
    env: Object.entries(args.env ?? {}).map(([name, value]) => ({ name, value })),
    ...(secretName === undefined ? {} : { envFrom: [{ secretRef: { name: secretName } }] }),
    resources: args.resources ?? {
      requests: { cpu: "50m", memory: "128Mi" },
      limits: { cpu: "1", memory: "512Mi" },
    },
    ...probes(args),
  };
}

/** The default health check of a source: a bridge has a route of its own, a plain image a port. */
export function defaultHealth(source: ServerSource["kind"]): Health {
  return source === "bridge" ? { kind: "http", path: bridgeHealthPath } : { kind: "tcp" };
}

function process(args: McpServerArgs): Pick<Container, "image" | "command" | "args"> {
  const source = args.source;
  switch (source.kind) {
    case "image":
      return {
        image: source.image,
        ...(source.command === undefined ? {} : { command: [...source.command] }),
        ...(source.args === undefined ? {} : { args: [...source.args] }),
      };
    case "bridge":
      return {
        image: source.image,
        command: ["supergateway"],
        args: [
          ...["--stdio", source.stdio],
          ...["--outputTransport", "streamableHttp"],
          ...["--port", String(args.port)],
          ...["--streamableHttpPath", args.path],
          ...["--healthEndpoint", bridgeHealthPath],
          // It logs every tool call's arguments and result otherwise.
          ...["--logLevel", "none"],
        ],
      };
  }
}

function probes(
  args: McpServerArgs,
): Pick<Container, "startupProbe" | "readinessProbe" | "livenessProbe"> {
  const check: Probe =
    args.health.kind === "http"
      ? { httpGet: { path: args.health.path, port: "http" } }
      : { tcpSocket: { port: "http" } };
  const startSeconds = args.startSeconds ?? defaultStartSeconds;
  return {
    startupProbe: {
      ...check,
      periodSeconds: startupPeriodSeconds,
      timeoutSeconds: 3,
      failureThreshold: Math.ceil(startSeconds / startupPeriodSeconds),
    },
    readinessProbe: { ...check, periodSeconds: 5, timeoutSeconds: 3, failureThreshold: 2 },
    livenessProbe: { ...check, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 3 },
  };
}
