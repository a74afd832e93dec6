import type { CatalogEntry } from "@mcp-fleet/catalog";

import type { Egress, McpServerArgs } from "../components/server";
import type { Problem, ServerSettings } from "./schema";

/** How a server runs, as its component takes it. */
export type Operations = Pick<
  McpServerArgs,
  | "autoscaling"
  | "disruptionBudget"
  | "placement"
  | "preStopSeconds"
  | "terminationGraceSeconds"
  | "exposure"
  | "egress"
  | "egressTo"
  | "egressToPods"
  | "egressFqdns"
  | "transform"
>;

type Base = Pick<CatalogEntry, "egress" | "session" | "resources">;

const defaultPreStopSeconds = 5;
const defaultCpuPercent = 70;

/** Puts settings and catalog together; only what is asked for is there. */
export function operationsOf(own: ServerSettings, base: Base): Operations {
  const { spreadOver, priorityClass, nodeSelector, tolerations } = own;
  const placed = [spreadOver, priorityClass, nodeSelector, tolerations].some(Boolean);
  const exposure = exposureOf(own);
  const {
    to: egressTo,
    pods: egressToPods,
    fqdns: egressFqdns,
  } = typeof own.egress === "object" ? own.egress : {};
  return {
    egress: egressProfile(own, base),
    ...(egressTo === undefined ? {} : { egressTo }),
    ...(egressToPods === undefined ? {} : { egressToPods }),
    ...(egressFqdns === undefined ? {} : { egressFqdns }),
    ...(own.autoscaling === undefined ? {} : { autoscaling: scalingOf(own.autoscaling) }),
    ...(own.disruptionBudget === undefined ? {} : { disruptionBudget: own.disruptionBudget }),
    ...(placed ? { placement: { spreadOver, priorityClass, nodeSelector, tolerations } } : {}),
    ...(own.preStopSeconds === undefined ? {} : { preStopSeconds: own.preStopSeconds }),
    ...(own.terminationGraceSeconds === undefined
      ? {}
      : { terminationGraceSeconds: own.terminationGraceSeconds }),
    ...(exposure === undefined ? {} : { exposure }),
    ...(own.transform === undefined ? {} : { transform: own.transform }),
  };
}

function egressProfile(own: ServerSettings, base: Base): Egress {
  if (typeof own.egress === "string") return own.egress;
  // Host names are there to narrow: the profile of the catalog may be the whole internet.
  return own.egress?.profile ?? (own.egress?.fqdns === undefined ? base.egress : "dns");
}

/** Without a measure the CPU is one. */
function scalingOf(
  scaling: NonNullable<ServerSettings["autoscaling"]>,
): NonNullable<ServerSettings["autoscaling"]> {
  const measured = (scaling.cpuPercent ?? scaling.memoryPercent) !== undefined;
  return measured ? scaling : { ...scaling, cpuPercent: defaultCpuPercent };
}

function exposureOf({ service }: ServerSettings): McpServerArgs["exposure"] {
  if (service === undefined || service.type === "ClusterIP") return undefined;
  const { type, sourceRanges = [], ...rest } = service;
  return { type, sourceRanges, ...rest };
}

/** What does not fit together in how a server runs. `closed`: NetworkPolicies are made. */
export function operationsProblems(
  key: string,
  own: ServerSettings,
  base: Base,
  closed: boolean,
): Problem[] {
  return [
    ...scalingProblems(key, own, base),
    ...endProblems(key, own),
    ...serviceProblems(key, own, closed),
    ...egressProblems(key, own, closed),
  ];
}

function egressProblems(key: string, own: ServerSettings, closed: boolean): Problem[] {
  const { fqdns, profile } = typeof own.egress === "object" ? own.egress : {};
  if (fqdns === undefined) return [];
  const path = `servers.${key}.egress.fqdns`;
  if (!closed) {
    const problem = 'means nothing with network.isolate "none".';
    return [{ path, problem, fix: "Remove it, or let NetworkPolicies be made." }];
  }
  if (profile !== "internet") return [];
  const problem = 'narrows nothing beside the profile "internet".';
  return [{ path, problem, fix: 'Set egress.profile to "dns" or "cluster".' }];
}

function scalingProblems(key: string, own: ServerSettings, base: Base): Problem[] {
  const at = `servers.${key}`;
  const problems: Problem[] = [];
  const { autoscaling, disruptionBudget } = own;
  const replicas = own.replicas ?? 1;
  if (autoscaling !== undefined) {
    const { minReplicas, maxReplicas } = autoscaling;
    if ((own.session ?? base.session) === "stateful") {
      problems.push({
        path: `${at}.autoscaling`,
        problem: "would scale a server that keeps sessions in its process.",
        fix: 'Remove it, or set session to "stateless" if the server keeps none.',
      });
    }
    if (maxReplicas < Math.max(minReplicas, own.replicas ?? minReplicas)) {
      problems.push({
        path: `${at}.autoscaling.maxReplicas`,
        problem: "is below minReplicas or replicas.",
        fix: `Set it to ${Math.max(minReplicas, replicas)} or more.`,
      });
    }
    problems.push(...requestProblems(at, own, base));
  }
  if (disruptionBudget !== undefined && Math.max(replicas, autoscaling?.minReplicas ?? 1) < 2) {
    problems.push({
      path: `${at}.disruptionBudget`,
      problem: "protects nothing with one replica.",
      fix: "Set replicas to 2 or more, or remove it.",
    });
  }
  return problems;
}

/** The autoscaler measures in percent of the requests. */
function requestProblems(at: string, own: ServerSettings, base: Base): Problem[] {
  const scaling = own.autoscaling === undefined ? undefined : scalingOf(own.autoscaling);
  const requests = (own.resources ?? base.resources).requests;
  const measured = [
    ["cpu", scaling?.cpuPercent, requests?.cpu],
    ["memory", scaling?.memoryPercent, requests?.memory],
  ] as const;
  return measured
    .filter(([, percent, request]) => percent !== undefined && request === undefined)
    .map(([name]) => ({
      path: `${at}.resources.requests.${name}`,
      problem: `is missing, and the autoscaler measures in percent of it.`,
      fix: `Set it, or remove autoscaling.${name}Percent.`,
    }));
}

function endProblems(key: string, own: ServerSettings): Problem[] {
  const drain = own.preStopSeconds ?? defaultPreStopSeconds;
  const grace = own.terminationGraceSeconds;
  if (grace === undefined || grace > drain) return [];
  return [
    {
      path: `servers.${key}.terminationGraceSeconds`,
      problem: `leaves the process no time to end: the first ${drain} seconds are preStopSeconds.`,
      fix: `Set it to more than ${drain}, or lower preStopSeconds.`,
    },
  ];
}

function serviceProblems(key: string, own: ServerSettings, closed: boolean): Problem[] {
  const { service } = own;
  if (service === undefined) return [];
  const at = `servers.${key}.service`;
  if (service.type === "ClusterIP") {
    return (["nodePort", "sourceRanges", "externalTrafficPolicy", "annotations"] as const)
      .filter((name) => service[name] !== undefined)
      .map((name) => ({
        path: `${at}.${name}`,
        problem: "means nothing for a Service of type ClusterIP.",
        fix: "Remove it, or set service.type to NodePort or LoadBalancer.",
      }));
  }
  if (!closed || (service.sourceRanges ?? []).length > 0) return [];
  return [
    {
      path: `${at}.sourceRanges`,
      problem: "is missing: the server's NetworkPolicy lets nobody outside of the cluster in.",
      fix: "Set it to the ranges of addresses that may call, as the pods see them (a node's own with externalTrafficPolicy Cluster).",
    },
  ];
}

/** A node has each of its ports once. */
export function nodePortsTwice(servers: Readonly<Record<string, ServerSettings>>): Problem[] {
  const seen = new Map<number, string>();
  return Object.entries(servers).flatMap(([key, own]) => {
    const nodePort = own.enabled === false ? undefined : own.service?.nodePort;
    if (nodePort === undefined) return [];
    const other = seen.get(nodePort);
    if (other === undefined) seen.set(nodePort, key);
    if (other === undefined) return [];
    return [
      {
        path: `servers.${key}.service.nodePort`,
        problem: `${nodePort} is the node port of servers.${other} too.`,
        fix: "Give one of them another port from 31000 to 31999, or leave it out for the cluster to choose.",
      },
    ];
  });
}
