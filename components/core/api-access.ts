import { tokenPath } from "@mcp-fleet/schema";
import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import { apiServerPortNumbers } from "./egress";

type PodSpec = k8s.types.input.core.v1.PodSpec;
type Container = k8s.types.input.core.v1.Container;
type PolicyRule = k8s.types.input.rbac.v1.PolicyRule;

/** On the pod of a server: it has rights by the Kubernetes API that the stack gives it, and so a token. */
export const apiRightsAnnotation = "mcp-fleet.dev/api-rights";

const tokenSeconds = 3600;
const volumeName = "api-access";

/** Where the API server can be called: it has no labels to select by, and behind its Service it has one of these ports. */
export const apiServerPorts = apiServerPortNumbers.map((port) => ({ protocol: "TCP", port }));

/**
 * An account of the namespace with these rights in it and none elsewhere.
 * @returns what has to be there before a pod runs as it
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

/** Rights in its namespace for the account of this name. */
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
