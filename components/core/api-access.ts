import { tokenPath } from "@mcp-fleet/schema";
import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import { apiServerPortNumbers } from "./egress";

type PodSpec = k8s.types.input.core.v1.PodSpec;
type Container = k8s.types.input.core.v1.Container;
type PolicyRule = k8s.types.input.rbac.v1.PolicyRule;

/** Annotation of a server's pod that has rights by the Kubernetes API from the stack, and so a token. */
export const apiRightsAnnotation = "mcp-fleet.dev/api-rights";

const tokenSeconds = 3600;
const volumeName = "api-access";

/** How the API server is reached: it has no labels to select, and uses one of these ports behind its Service. */
export const apiServerPorts = apiServerPortNumbers.map((port) => ({ protocol: "TCP", port }));

/**
 * An account with these rights in its namespace and nowhere else.
 * @returns what must exist before a pod runs as it
 */
export function createAccount(
  parent: pulumi.Resource,
  name: string,
  metadata: { name: string; namespace: string; labels: Record<string, string> },
  rules: PolicyRule[],
): pulumi.Resource[] {
  const account = new k8s.core.v1.ServiceAccount(
    name,
    { metadata, automountServiceAccountToken: false },
    { parent },
  );
  return [account, createRights(parent, name, metadata, rules)];
}

/** Grants the named account these rights in its namespace. */
export function createRights(
  parent: pulumi.Resource,
  name: string,
  metadata: { name: string; namespace: string; labels: Record<string, string> },
  rules: PolicyRule[],
): pulumi.Resource {
  const role = new k8s.rbac.v1.Role(name, { metadata, rules }, { parent });
  return new k8s.rbac.v1.RoleBinding(
    name,
    {
      metadata,
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: metadata.name },
      subjects: [{ kind: "ServiceAccount", name: metadata.name, namespace: metadata.namespace }],
    },
    { parent, dependsOn: [role] },
  );
}

/** The pod with a token that expires within an hour and is renewed, instead of the automatic one. */
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
