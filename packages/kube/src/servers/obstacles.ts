import type * as k8s from "@kubernetes/client-node";

import { portAnnotation } from "../names";
import { type Autoscaler, autoscalerText } from "./autoscaler";
import type { Surroundings } from "./surroundings";
import type { LeadingService } from "./surroundings";
import { heldBack, isOnDelete, isPaused, referenceOf, type Workload } from "./workload";

/** What is in the way of calling a server: one sentence part for each, the worst first. */
export function reachObstacles(
  workload: Workload,
  services: readonly LeadingService[],
  around: Surroundings,
): string[] {
  return [
    ...(services.length === 0 ? [noService(workload, around.services)] : []),
    ...serviceObstacles(services),
    ...sharedServices(workload, services, around),
  ];
}

/** What is in the way of `scale` and `restart`: one sentence part for each. */
export function changeObstacles(workload: Workload, autoscaler: Autoscaler | undefined): string[] {
  const first = heldBack(workload);
  return [
    ...(isPaused(workload) ? [`its rollout is paused, until: ${resumeCommand(workload)}`] : []),
    ...(isOnDelete(workload)
      ? ["its pods get a new template only when somebody deletes them (updateStrategy OnDelete)"]
      : []),
    ...(first > 0
      ? [`its pods before number ${first} keep the template of before (rollingUpdate.partition)`]
      : []),
    ...(autoscaler === undefined ? [] : [autoscalerText(autoscaler)]),
  ];
}

/** The command that lets a paused rollout go on. */
export function resumeCommand(workload: Workload): string {
  return `kubectl rollout resume ${referenceOf(workload)} -n ${workload.metadata?.namespace}`;
}

function noService({ metadata }: Workload, services: readonly k8s.V1Service[]): string {
  const namesake = services.find((one) => one.metadata?.name === metadata?.name);
  if (namesake === undefined) return "no Service selects its pods, so no client reaches it";
  const { spec } = namesake;
  const why =
    spec?.type === "ExternalName"
      ? `is an ExternalName for ${spec.externalName ?? "nothing"}`
      : Object.keys(spec?.selector ?? {}).length === 0
        ? "has no selector, so where it leads is not known here"
        : "selects other pods";
  return `no Service selects its pods; Service ${metadata?.name} ${why}`;
}

/** Of the one to call; of the others only where there is none to call. */
function serviceObstacles(services: readonly LeadingService[]): string[] {
  const [first] = services;
  if (first === undefined) return [];
  if (first.problem !== undefined) {
    return services
      .slice(0, 5)
      .map(({ service, problem }) => `Service ${nameOf(service)} ${problem}`);
  }
  const { mcp, service } = first;
  if (mcp === undefined || mcp.others.length === 0) return [];
  return [
    `Service ${nameOf(service)} has ports ${few([mcp.port.port, ...mcp.others])} that could carry MCP, and ${mcp.port.port} is taken; its annotation ${portAnnotation} could name one`,
  ];
}

function sharedServices(
  workload: Workload,
  services: readonly LeadingService[],
  { behind }: Surroundings,
): string[] {
  const [first] = services;
  if (first === undefined) return [];
  const beside = behind(first.service).filter((other) => other !== workload);
  if (beside.length === 0) return [];
  return [
    `Service ${nameOf(first.service)} leads to pods of ${few(beside.map(referenceOf))} too, so a call may reach either`,
  ];
}

/** The first of many. */
function few(texts: readonly (string | number)[]): string {
  const [shown, more] = [texts.slice(0, 5).join(", "), texts.length - 5];
  return more > 0 ? `${shown} and ${more} more` : shown;
}

function nameOf({ metadata }: k8s.V1Service): string {
  return metadata?.name ?? "";
}
