import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import type { McpServerArgs, ProbeTimes } from "./args";
import { orderedEnv } from "./env";
import { serverProcess, sourceEnv } from "./process";

type Container = k8s.types.input.core.v1.Container;
type Probe = k8s.types.input.core.v1.Probe;

const defaultStartSeconds = 60;
const startupPeriodSeconds = 2;

/** The container of an MCP server. `secretName` is the Secret whose keys become environment variables. */
export function serverContainer(
  args: McpServerArgs,
  secretName: pulumi.Input<string> | undefined,
): Omit<Container, "securityContext" | "volumeMounts" | "lifecycle"> {
  const env = { ...sourceEnv(args.source), ...args.env };
  return {
    name: "mcp-server",
    ...serverProcess(args),
    ports: [{ name: "http", containerPort: args.port, protocol: "TCP" }],
    env: orderedEnv(`McpServer ${args.serviceName}`, env, secretName),
    ...(secretName === undefined ? {} : { envFrom: [{ secretRef: { name: secretName } }] }),
    resources: args.resources ?? {
      requests: { cpu: "50m", memory: "128Mi" },
      limits: { cpu: "1", memory: "512Mi" },
    },
    ...probes(args),
  };
}

function probes(
  args: McpServerArgs,
): Pick<Container, "startupProbe" | "readinessProbe" | "livenessProbe"> {
  const { health } = args;
  const check = (own: "startupPath" | "readinessPath" | "path"): Probe =>
    health.kind === "http"
      ? { httpGet: { path: health[own] ?? health.path, port: "http" } }
      : { tcpSocket: { port: "http" } };
  const { startup = {}, readiness = {}, liveness = {} } = args.probes ?? {};
  const startSeconds = args.startSeconds ?? defaultStartSeconds;
  const startupPeriod = startup.periodSeconds ?? startupPeriodSeconds;
  return {
    startupProbe: timed(check("startupPath"), startup, {
      periodSeconds: startupPeriod,
      timeoutSeconds: 3,
      failureThreshold: Math.ceil(startSeconds / startupPeriod),
    }),
    readinessProbe: timed(check("readinessPath"), readiness, {
      periodSeconds: 5,
      timeoutSeconds: 3,
      failureThreshold: 2,
    }),
    livenessProbe: timed(check("path"), liveness, {
      periodSeconds: 10,
      timeoutSeconds: 5,
      failureThreshold: 3,
    }),
  };
}

function timed(check: Probe, own: ProbeTimes, defaults: ProbeTimes): Probe {
  const given = Object.entries(own).filter(([, value]) => value !== undefined);
  return { ...check, ...defaults, ...Object.fromEntries(given) };
}
