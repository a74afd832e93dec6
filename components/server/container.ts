import type { Probes, ProbeTimes } from "@mcp-fleet/schema";
import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import type { Server } from "./args";
import { orderedEnv } from "./env";
import { gateLiveness } from "./gate";
import { healthOf, serverProcess, sourceEnv } from "./process";

type Container = k8s.types.input.core.v1.Container;
type Probe = k8s.types.input.core.v1.Probe;

/** Name of the container that serves MCP. */
const serverContainerName = "mcp-server";
const startupPeriodSeconds = 2;

/** The container of an MCP server. `secretName` is the Secret whose keys become environment variables. */
export function serverContainer(
  server: Server,
  secretName: pulumi.Input<string> | undefined,
): Omit<Container, "securityContext" | "volumeMounts" | "lifecycle"> {
  const env = { ...sourceEnv(server.source), ...server.env };
  return {
    name: serverContainerName,
    ...serverProcess(server),
    ports: [
      { name: "http", containerPort: server.port, protocol: "TCP" },
      ...Object.entries(server.ports).map(([name, { port }]) => ({
        ...{ name, containerPort: port, protocol: "TCP" },
      })),
    ],
    env: orderedEnv(`McpServer ${server.name}`, env, secretName),
    envFrom: secretName === undefined ? undefined : [{ secretRef: { name: secretName } }],
    resources: server.resources,
    ...probes(server),
  };
}

function probes(
  server: Server,
): Pick<Container, "startupProbe" | "readinessProbe" | "livenessProbe"> {
  const health = healthOf(server);
  const check = (own: "startup" | "readiness" | "path"): Probe => {
    if (health === "tcp") return { tcpSocket: { port: "http" } };
    if ("exec" in health) return { exec: { command: [...health.exec] } };
    const secure = health.https ?? server.tls !== undefined;
    const scheme = secure ? { scheme: "HTTPS" } : {};
    return { httpGet: { path: health[own] ?? health.path, port: "http", ...scheme } };
  };
  const { startup = {}, readiness = {}, liveness = {} }: Probes = server.probes ?? {};
  const startupPeriod = startup.periodSeconds ?? startupPeriodSeconds;
  return {
    startupProbe: timed(check("startup"), startup, {
      periodSeconds: startupPeriod,
      timeoutSeconds: 3,
      failureThreshold: Math.ceil(server.startSeconds / startupPeriod),
    }),
    readinessProbe: timed(check("readiness"), readiness, {
      periodSeconds: 5,
      timeoutSeconds: 3,
      failureThreshold: 2,
    }),
    livenessProbe: timed(gateLiveness(server) ?? check("path"), liveness, {
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
