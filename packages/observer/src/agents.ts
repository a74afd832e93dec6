import type { Agent } from "./registry";

/** The part of an MCPAgent object that is used. */
export interface AgentObject {
  readonly metadata: { readonly name: string; readonly generation?: number };
  readonly spec: { readonly agentName: string; readonly replicas?: number };
  readonly status?: AgentStatus;
}

/** The registry's view of a declared agent; `status` of an MCPAgent. */
export interface AgentStatus {
  readonly phase: "Healthy" | "Degraded" | "Lost" | "Pending";
  /** Processes that the registry reports as healthy. */
  readonly healthy: number;
  readonly unresolvedDependencies: number;
  readonly lastSeen?: string;
  readonly observedGeneration?: number;
  readonly conditions: readonly Condition[];
}

interface Condition {
  readonly type: "Available";
  readonly status: "True" | "False";
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
}

/** The status of an MCPAgent, computed from the registry's list. `now` is written only where the condition changes. */
export function statusOf(object: AgentObject, agents: readonly Agent[], now: string): AgentStatus {
  const own = agents.filter((agent) => agent.name === object.spec.agentName);
  const healthy = own.filter((agent) => agent.status === "healthy");
  const lastSeen = own
    .flatMap((agent) => agent.lastSeen ?? [])
    .sort()
    .at(-1);
  const { generation } = object.metadata;
  return {
    phase: phaseOf(object, own.length, healthy.length),
    healthy: healthy.length,
    unresolvedDependencies: Math.max(0, ...healthy.map((agent) => agent.unresolved)),
    ...(lastSeen === undefined ? {} : { lastSeen: wholeSeconds(lastSeen) }),
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    conditions: [condition(object, healthy.length > 0, now)],
  };
}

/** An agent that the registry never knew is pending; one that it knew and does not report as healthy is lost. */
function phaseOf(object: AgentObject, known: number, healthy: number): AgentStatus["phase"] {
  const before = object.status?.phase;
  if (healthy === 0) return known > 0 || (before ?? "Pending") !== "Pending" ? "Lost" : "Pending";
  return healthy < (object.spec.replicas ?? 1) ? "Degraded" : "Healthy";
}

function condition(object: AgentObject, available: boolean, now: string): Condition {
  const status = available ? "True" : "False";
  const before = object.status?.conditions.find((one) => one.type === "Available");
  return {
    type: "Available",
    status,
    reason: available ? "InRegistry" : "NotInRegistry",
    message: available
      ? "The registry holds a healthy process of this agent."
      : "The registry holds no healthy process of this agent.",
    lastTransitionTime: before?.status === status ? before.lastTransitionTime : now,
  };
}

/** The registry has nanoseconds; an object's times have seconds. */
function wholeSeconds(time: string): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, "Z");
}

/** Whether two statuses are equal except for the last heartbeat, which always changes. */
export function sameStatus(a: AgentStatus | undefined, b: AgentStatus): boolean {
  const plain = (one: AgentStatus): string => {
    const { phase, healthy, unresolvedDependencies, observedGeneration, conditions } = one;
    const kept = conditions.map(({ type, status, lastTransitionTime }) => [
      type,
      status,
      lastTransitionTime,
    ]);
    return JSON.stringify([phase, healthy, unresolvedDependencies, observedGeneration, kept]);
  };
  return a !== undefined && plain(a) === plain(b);
}
