import type { V1PolicyRule } from "@kubernetes/client-node";

import type { Cluster } from "../../lab/cluster";
import { ensureExternalSecrets } from "../../lab/external-secrets";
import { ensureImages } from "../../lab/images";
import type { Kube } from "../../lab/kube";
import { consoleLog } from "../../lab/log";
import { onCluster, restrictedNamespace } from "./example";

/** The operator in a cluster: its definitions, its pod, and a store that is another namespace of the cluster. */
export interface ExternalSecrets {
  /** The ClusterSecretStore. Its entries are Secrets of the namespace `entries`. */
  readonly store: string;
  readonly entries: string;
  /** Creates an entry of the store, or changes its content. */
  put(entry: string, content: Readonly<Record<string, string>>): Promise<void>;
  remove(): Promise<void>;
}

const account = "external-secrets";
const reader = "store-reader";

/** The operator's rights according to its chart, as far as these reconcilers use them. */
const rules: V1PolicyRule[] = [
  ...[
    ["external-secrets.io", "externalsecrets", "secretstores", "clustersecretstores"],
    ["generators.external-secrets.io", "generatorstates"],
  ].map(([group = "", ...resources]) => ({
    apiGroups: [group],
    resources: resources.flatMap((one) => [one, `${one}/status`]),
    verbs: ["get", "list", "watch", "update", "patch"],
  })),
  {
    apiGroups: [""],
    resources: ["secrets"],
    verbs: ["get", "list", "watch", "create", "update", "patch", "delete"],
  },
  {
    apiGroups: [""],
    resources: ["serviceaccounts", "configmaps", "namespaces"],
    verbs: ["get", "list", "watch"],
  },
  { apiGroups: [""], resources: ["serviceaccounts/token"], verbs: ["create"] },
  { apiGroups: [""], resources: ["events"], verbs: ["create", "patch"] },
];

/**
 * Starts the External Secrets Operator in a separate namespace.
 * @param name of all its objects in the cluster
 */
export async function startExternalSecrets(
  cluster: Cluster,
  kube: Kube,
  name: string,
): Promise<ExternalSecrets> {
  const log = consoleLog();
  const images = await ensureImages(cluster, log, ["external-secrets"]);
  const { definitions } = await ensureExternalSecrets(log);
  const entries = `${name}-store`;
  const deleted = (kind: string, one: string): Promise<unknown> =>
    onCluster(cluster, "delete", "--ignore-not-found", "--wait=false", kind, one);
  const remove = async (): Promise<void> => {
    for (const namespace of [name, entries]) await deleted("namespace", namespace);
    await deleted("clusterrolebinding", name);
    await deleted("clusterrole", name);
    await onCluster(cluster, "delete", "--ignore-not-found", "-f", definitions);
  };
  try {
    // The last-applied annotation of a client would be too large.
    await onCluster(cluster, "apply", "--server-side", "-f", definitions);
    for (const namespace of [name, entries]) await restrictedNamespace(kube, namespace);
    await kube.apply([...operator(name, images["external-secrets"]), ...store(name, entries)]);
    await kube.waitForDeployment(name, account, 60);
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    store: name,
    entries,
    put: (entry, stringData) =>
      kube.apply([
        {
          ...{ apiVersion: "v1", kind: "Secret" },
          metadata: { namespace: entries, name: entry },
          ...{ stringData },
        },
      ]),
    remove,
  };
}

function operator(namespace: string, image: string): object[] {
  const metadata = { name: account, namespace };
  const labels = { "app.kubernetes.io/name": account };
  const rbac = "rbac.authorization.k8s.io";
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata },
    { apiVersion: `${rbac}/v1`, kind: "ClusterRole", metadata: { name: namespace }, rules },
    {
      ...{ apiVersion: `${rbac}/v1`, kind: "ClusterRoleBinding", metadata: { name: namespace } },
      roleRef: { apiGroup: rbac, kind: "ClusterRole", name: namespace },
      subjects: [{ kind: "ServiceAccount", ...metadata }],
    },
    {
      ...{ apiVersion: "apps/v1", kind: "Deployment", metadata },
      spec: {
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            ...{ serviceAccountName: account, enableServiceLinks: false },
            securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
            containers: [
              {
                ...{ name: account, image, imagePullPolicy: "IfNotPresent" },
                args: [
                  "--enable-cluster-external-secret-reconciler=false",
                  "--enable-cluster-push-secret-reconciler=false",
                  "--enable-push-secret-reconciler=false",
                ],
                resources: { limits: { memory: "128Mi" } },
                securityContext: {
                  allowPrivilegeEscalation: false,
                  readOnlyRootFilesystem: true,
                  capabilities: { drop: ["ALL"] },
                },
              },
            ],
          },
        },
      },
    },
  ];
}

/** The store logs in to the cluster as an account that may read the Secrets of one namespace. */
function store(name: string, entries: string): object[] {
  const metadata = { name: reader, namespace: entries };
  const rbac = "rbac.authorization.k8s.io";
  const caProvider = { type: "ConfigMap", name: "kube-root-ca.crt", key: "ca.crt" };
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata },
    {
      ...{ apiVersion: `${rbac}/v1`, kind: "Role", metadata },
      rules: [{ apiGroups: [""], resources: ["secrets"], verbs: ["get", "list", "watch"] }],
    },
    {
      ...{ apiVersion: `${rbac}/v1`, kind: "RoleBinding", metadata },
      roleRef: { apiGroup: rbac, kind: "Role", name: reader },
      subjects: [{ kind: "ServiceAccount", ...metadata }],
    },
    {
      ...{ apiVersion: "external-secrets.io/v1", kind: "ClusterSecretStore", metadata: { name } },
      spec: {
        provider: {
          kubernetes: {
            remoteNamespace: entries,
            server: {
              url: "https://kubernetes.default.svc",
              caProvider: { ...caProvider, namespace: entries },
            },
            auth: { serviceAccount: metadata },
          },
        },
      },
    },
  ];
}
