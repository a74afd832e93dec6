import type * as k8s from "@pulumi/kubernetes";

type PolicyRule = k8s.types.input.rbac.v1.PolicyRule;

/** What a manager does, and with it what its account may do. */
export interface ManagerPowers {
  /** Names of the Deployments whose replicas it may change. */
  readonly servers: readonly string[];
  /** Whether it may end pods without their grace period. The right cannot be narrowed to the servers' pods. */
  readonly forceStop: boolean;
}

/**
 * The least that `mcp-fleet serve` needs in its own namespace (docs/cli.md lists it by command): it sees Deployments,
 * StatefulSets, autoscalers, Services and pods, and changes nothing but the number of replicas, and that of the named servers only.
 */
export function managerRules({ servers, forceStop }: ManagerPowers): PolicyRule[] {
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
    {
      apiGroups: [""],
      resources: ["pods"],
      verbs: ["list", "watch", ...(forceStop ? ["delete"] : [])],
    },
  ];
}
