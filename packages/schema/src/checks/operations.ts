import { drainSeconds } from "../pod";
import type { Problem } from "../problems";
import type { ServerSettings } from "../server";

/**
 * Conflicts in how a server runs.
 * @param closed whether NetworkPolicies are created
 */
export function operationsProblems(key: string, own: ServerSettings, closed: boolean): Problem[] {
  return [
    ...scalingProblems(key, own),
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

function scalingProblems(key: string, own: ServerSettings): Problem[] {
  const at = `servers.${key}`;
  const problems: Problem[] = [];
  const { autoscaling, disruptionBudget } = own;
  const replicas = own.replicas ?? 1;
  if (autoscaling !== undefined) {
    const { minReplicas, maxReplicas } = autoscaling;
    if (own.session === "stateful") {
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
    problems.push(...requestProblems(at, own));
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

/** An autoscaler measures in percent of the requests, so it needs them. */
function requestProblems(at: string, { autoscaling, resources }: ServerSettings): Problem[] {
  const { requests } = resources;
  const measured = [
    ["cpu", autoscaling?.cpuPercent, requests?.cpu],
    ["memory", autoscaling?.memoryPercent, requests?.memory],
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
  const drain = own.preStopSeconds ?? drainSeconds;
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
        problem: "has no effect on a Service of type ClusterIP.",
        fix: "Remove it, or set service.type to NodePort or LoadBalancer.",
      }));
  }
  if (!closed || (service.sourceRanges ?? []).length > 0) return [];
  return [
    {
      path: `${at}.sourceRanges`,
      problem: "is missing: the server's NetworkPolicy allows no caller from outside the cluster.",
      fix: "Set it to the ranges of addresses that may call, as the pods see them (a node's own with externalTrafficPolicy Cluster).",
    },
  ];
}

/** Node ports that two servers ask for. */
export function nodePortsTwice(servers: Readonly<Record<string, ServerSettings>>): Problem[] {
  const seen = new Map<number, string>();
  return Object.entries(servers).flatMap(([key, own]) => {
    const nodePort = !own.enabled ? undefined : own.service?.nodePort;
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
