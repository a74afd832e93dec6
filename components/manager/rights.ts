import type * as k8s from "@pulumi/kubernetes";

type PolicyRule = k8s.types.input.rbac.v1.PolicyRule;

/** What a manager does, and with it what its account may do. */
export interface ManagerPowers {
  /** Names of the Deployments whose replicas it may change. */
  readonly servers: readonly string[];
  /** Whether it may end pods without their grace period. The right cannot be narrowed to the servers' pods. */
  readonly forceStop: boolean;
  /** Names of the ConfigMaps with authorities by which it checks servers' certificates. @default none */
  readonly authorities?: readonly string[] | undefined;
}

/**
 * The least that `mcp-fleet serve` needs in its own namespace (docs/cli.md lists it by command): it sees Deployments,
 * StatefulSets, autoscalers, Services and pods, and changes nothing but the number of replicas, and that of the named servers only. An authority's certificate is read
 * out of a ConfigMap alone: the Secret of a certificate holds its key too.
 */
export function managerRules({
  servers,
  forceStop,
  authorities = [],
}: ManagerPowers): PolicyRule[] {
  return [
    {
      apiGroups: ["apps"],
      resources: ["deployments", "statefulsets"],
      verbs: ["get", "list", "watch"],
    },
    { apiGroups: ["autoscaling"], resources: ["horizontalpodautoscalers"], verbs: ["list"] },
    // Without a name in it the list would stand for every Deployment.
    ...(servers.length === 0
      ? []
      : [
          {
            apiGroups: ["apps"],
            resources: ["deployments/scale"],
            resourceNames: [...servers],
            verbs: ["patch"],
          },
        ]),
    { apiGroups: [""], resources: ["services"], verbs: ["list"] },
    ...(authorities.length === 0
      ? []
      : [
          {
            apiGroups: [""],
            resources: ["configmaps"],
            resourceNames: [...authorities],
            verbs: ["get"],
          },
        ]),
    {
      apiGroups: [""],
      resources: ["pods"],
      verbs: ["list", "watch", ...(forceStop ? ["delete"] : [])],
    },
  ];
}
