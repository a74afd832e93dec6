import type * as k8s from "@pulumi/kubernetes";

type PolicyRule = k8s.types.input.rbac.v1.PolicyRule;

/** What a manager does, and so what its account may do. */
export interface ManagerPowers {
  /** Names of the workloads whose replicas it may change. */
  readonly servers: readonly string[];
  /** Those of them that are StatefulSets; the others are Deployments. */
  readonly statefulSets: readonly string[];
  /** Whether it may delete pods without their grace period. The right cannot be restricted to the servers' pods. */
  readonly forceStop: boolean;
  /** Names of the ConfigMaps with authorities by which it checks servers' certificates. @default none */
  readonly authorities?: readonly string[] | undefined;
}

/**
 * The minimum that `mcp-fleet serve` needs in its own namespace (docs/cli.md lists it by command): it reads
 * Deployments, StatefulSets, autoscalers, Services and pods, and changes only the number of replicas of the
 * named servers. Authorities are read from ConfigMaps only: the Secret of a certificate also contains its key.
 */
export function managerRules({
  servers,
  statefulSets,
  forceStop,
  authorities = [],
}: ManagerPowers): PolicyRule[] {
  // A rule without names would apply to every object.
  const named = (
    group: string,
    resource: string,
    names: readonly string[],
    verb: string,
  ): PolicyRule[] =>
    names.length === 0
      ? []
      : [
          {
            apiGroups: [group],
            resources: [resource],
            resourceNames: [...names],
            verbs: [verb],
          },
        ];
  const scaled = (resource: string, kept: boolean): PolicyRule[] =>
    named(
      "apps",
      `${resource}/scale`,
      servers.filter((name) => statefulSets.includes(name) === kept),
      "patch",
    );
  return [
    {
      apiGroups: ["apps"],
      resources: ["deployments", "statefulsets"],
      verbs: ["get", "list", "watch"],
    },
    { apiGroups: ["autoscaling"], resources: ["horizontalpodautoscalers"], verbs: ["list"] },
    ...scaled("deployments", false),
    ...scaled("statefulsets", true),
    { apiGroups: [""], resources: ["services"], verbs: ["list"] },
    ...named("", "configmaps", authorities, "get"),
    {
      apiGroups: [""],
      resources: ["pods"],
      verbs: ["list", "watch", ...(forceStop ? ["delete"] : [])],
    },
  ];
}
