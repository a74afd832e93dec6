import type * as k8s from "@kubernetes/client-node";

import { portAnnotation } from "../names";

/** The port of a Service that carries MCP. */
export interface McpPort {
  readonly port: k8s.V1ServicePort;
  /** The pod's own port behind it; not there where its name is that of no container port. */
  readonly target?: number;
  readonly scheme: "http" | "https";
  /** Other ports that might as well be meant. */
  readonly others: readonly number[];
}

/** Why a Service has no such port: a predicate that reads on after "Service x". */
export interface NoMcpPort {
  readonly problem: string;
}

/** Names of ports on which MCP is not: what is measured, checked, administered, or speaks something else. */
const otherwise =
  /metric|prom|monitor|health|probe|ready|live|admin|debug|pprof|grpc|otlp|jaeger|zipkin/;

/**
 * The port of a Service that carries MCP: the one that the annotation names, else the one that is named so, else one that is
 * named for HTTP, else the first that is TCP and not for something else. A port's name is its own, that of its target, and
 * that of the container port behind it.
 * @param template of the pods that it leads to
 */
export function mcpPortOf(
  service: k8s.V1Service,
  template: k8s.V1PodTemplateSpec | undefined,
): McpPort | NoMcpPort {
  const ports = service.spec?.ports ?? [];
  const wanted = service.metadata?.annotations?.[portAnnotation];
  if (wanted !== undefined) {
    const named = ports.find(({ name, port }) => name === wanted || String(port) === wanted);
    return named === undefined
      ? {
          problem: `has no port ${JSON.stringify(wanted.slice(0, 40))}, which its annotation ${portAnnotation} names`,
        }
      : asMcp(named, template, []);
  }
  const measured = service.metadata?.annotations?.["prometheus.io/port"];
  const ranked = ports
    .map((port) => ({ port, rank: rankOf(port, template, measured) }))
    .filter(({ rank }) => rank > 0)
    .sort((a, b) => b.rank - a.rank);
  const [best] = ranked;
  if (best === undefined) {
    return {
      problem: `has no port that could carry MCP (${ports.length === 0 ? "it has none" : ports.slice(0, 5).map(portText).join(", ")})`,
    };
  }
  const others = ranked.filter((one) => one !== best && one.rank === best.rank);
  return asMcp(
    best.port,
    template,
    others.map(({ port }) => port.port),
  );
}

/** A port for people: `UDP 53 dns`. */
function portText({ name, port, protocol = "TCP" }: k8s.V1ServicePort): string {
  return `${protocol} ${port}${name === undefined ? "" : ` ${name}`}`;
}

function asMcp(
  port: k8s.V1ServicePort,
  template: k8s.V1PodTemplateSpec | undefined,
  others: readonly number[],
): McpPort {
  const target = targetOf(port, template);
  const secure = port.appProtocol === "https" || port.name === "https";
  return {
    ...{ port, others, scheme: secure ? "https" : "http" },
    ...(target === undefined ? {} : { target }),
  };
}

/** How likely a port carries MCP; 0 for one that does not. */
function rankOf(
  port: k8s.V1ServicePort,
  template: k8s.V1PodTemplateSpec | undefined,
  measured: string | undefined,
): number {
  if ((port.protocol ?? "TCP") !== "TCP") return 0;
  const names = namesOf(port, template);
  if (names.some((name) => /(^|-)mcp(-|$)/.test(name))) return 5;
  if (names.some((name) => otherwise.test(name)) || port.appProtocol === "grpc") return 0;
  // Many servers are measured on the port that serves.
  if (String(port.port) === measured) return 1;
  if (names.some((name) => /^(https|tls)/.test(name))) return 3;
  return names.some((name) => /http|^web$|^sse$/.test(name)) ? 4 : 2;
}

function namesOf(
  { name, targetPort, ...port }: k8s.V1ServicePort,
  template: k8s.V1PodTemplateSpec | undefined,
): string[] {
  const number = typeof targetPort === "string" ? undefined : (targetPort ?? port.port);
  const behind = containerPorts(template).filter(({ containerPort }) => containerPort === number);
  const target = typeof targetPort === "string" ? targetPort : undefined;
  return [name, target, ...behind.map((one) => one.name)].filter((one) => one !== undefined);
}

function targetOf(
  { port, protocol = "TCP", targetPort = port }: k8s.V1ServicePort,
  template: k8s.V1PodTemplateSpec | undefined,
): number | undefined {
  if (typeof targetPort === "number") return targetPort;
  return containerPorts(template).find(
    (one) => one.name === targetPort && (one.protocol ?? "TCP") === protocol,
  )?.containerPort;
}

/** Of the containers and of the sidecars. */
function containerPorts(template: k8s.V1PodTemplateSpec | undefined): k8s.V1ContainerPort[] {
  const { containers = [], initContainers = [] } = template?.spec ?? {};
  const sidecars = initContainers.filter(({ restartPolicy }) => restartPolicy === "Always");
  return [...containers, ...sidecars].flatMap(({ ports = [] }) => ports);
}
