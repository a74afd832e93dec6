import type * as k8s from "@pulumi/kubernetes";

type PodSpec = k8s.types.input.core.v1.PodSpec;
type Container = k8s.types.input.core.v1.Container;
type PolicyRule = k8s.types.input.rbac.v1.PolicyRule;

const tokenSeconds = 3600;
const tokenPath = "/var/run/secrets/kubernetes.io/serviceaccount";
const volumeName = "api-access";

/** What the observer may do, in its own namespace: see workloads, and with a mesh keep the agents' status. */
export function observerRules(mesh: boolean): PolicyRule[] {
  const rules: PolicyRule[] = [
    { apiGroups: [""], resources: ["pods"], verbs: ["list"] },
    { apiGroups: ["apps"], resources: ["deployments"], verbs: ["list"] },
  ];
  if (!mesh) return rules;
  return [
    ...rules,
    { apiGroups: ["mesh.mcp.io"], resources: ["mcpagents"], verbs: ["list"] },
    { apiGroups: ["mesh.mcp.io"], resources: ["mcpagents/status"], verbs: ["patch"] },
  ];
}

/** The pod with a token that ends within the hour and is renewed, in place of the automatic one. */
export function withToken(pod: PodSpec): PodSpec {
  const [container, ...others] = pod.containers as Container[];
  if (container === undefined) throw new Error("a pod without a container");
  const mounts = (container.volumeMounts ?? []) as k8s.types.input.core.v1.VolumeMount[];
  return {
    ...pod,
    containers: [
      {
        ...container,
        volumeMounts: [...mounts, { name: volumeName, mountPath: tokenPath, readOnly: true }],
      },
      ...others,
    ],
    volumes: [
      ...(pod.volumes as k8s.types.input.core.v1.Volume[]),
      {
        name: volumeName,
        projected: {
          sources: [
            { serviceAccountToken: { path: "token", expirationSeconds: tokenSeconds } },
            { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
            {
              downwardAPI: {
                items: [{ path: "namespace", fieldRef: { fieldPath: "metadata.namespace" } }],
              },
            },
          ],
        },
      },
    ],
  };
}
