import type * as k8s from "@kubernetes/client-node";

import { kindOf, type Workload } from "./workload";

/** What sets a server's replicas by itself. */
export interface Autoscaler {
  /** Of the HorizontalPodAutoscaler. */
  readonly name: string;
  readonly minReplicas: number;
  readonly maxReplicas: number;
  /** What keeps the HorizontalPodAutoscaler itself, as `ScaledObject weather`. */
  readonly keeper?: string;
}

/** The autoscaler of a workload; it rests while the workload has no replica. */
export function autoscalerOf(
  workload: Workload,
  all: readonly k8s.V2HorizontalPodAutoscaler[],
): Autoscaler | undefined {
  return autoscalersByTarget(all).get(`${kindOf(workload)}/${workload.metadata?.name}`);
}

/** By kind and name of what they scale, as `Deployment/weather`. */
export function autoscalersByTarget(
  all: readonly k8s.V2HorizontalPodAutoscaler[],
): ReadonlyMap<string, Autoscaler> {
  return new Map(
    all.flatMap((one): [string, Autoscaler][] => {
      const { kind, name, apiVersion = "apps/v1" } = one.spec?.scaleTargetRef ?? {};
      const known = autoscaler(one);
      return known === undefined || !apiVersion.startsWith("apps/")
        ? []
        : [[`${kind}/${name}`, known]];
    }),
  );
}

function autoscaler(own: k8s.V2HorizontalPodAutoscaler): Autoscaler | undefined {
  if (own.spec === undefined) return undefined;
  const { name = "", ownerReferences = [] } = own.metadata ?? {};
  const keeper = ownerReferences.find(({ controller }) => controller === true);
  return {
    name,
    // The API server's own default.
    minReplicas: own.spec.minReplicas ?? 1,
    maxReplicas: own.spec.maxReplicas,
    ...(keeper === undefined ? {} : { keeper: `${keeper.kind} ${keeper.name}` }),
  };
}

/** A sentence part for people: what it does to a server. */
export function autoscalerText({ name, minReplicas, maxReplicas, keeper }: Autoscaler): string {
  const by = keeper === undefined ? "" : ` (made by ${keeper})`;
  return `HorizontalPodAutoscaler ${name}${by} keeps it at ${minReplicas} to ${maxReplicas} replicas and undoes what scale sets`;
}
