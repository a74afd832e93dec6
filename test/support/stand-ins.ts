import { CoreV1Api, CustomObjectsApi, type KubeConfig } from "@kubernetes/client-node";

import type { Cluster } from "../../lab/cluster";
import { onCluster } from "./example";

/** A CustomResourceDefinition, as far as its name matters. */
export interface StandIn {
  readonly metadata: { readonly name: string };
}

/** Stand-ins for the operators that the examples ask for and this cluster does not have. */
export async function missingOperators(cluster: Cluster): Promise<StandIn[]> {
  const there = await onCluster(cluster, "get", "crd", "-o", "name");
  return [
    standInCrd("secrets.infisical.com", "v1alpha1", "InfisicalSecret"),
    standInCrd("cilium.io", "v2", "CiliumNetworkPolicy"),
  ].filter(({ metadata }) => !there.includes(`/${metadata.name}\n`));
}

/**
 * The CRD of an operator that the lab does not have: a stand-in that takes any spec, so that its objects can be made.
 * Nothing acts on them.
 */
function standInCrd(group: string, version: string, kind: string): StandIn {
  const singular = kind.toLowerCase();
  const plural = singular.endsWith("y") ? `${singular.slice(0, -1)}ies` : `${singular}s`;
  // The client library writes it with dashes, and leaves out what already has them.
  const open = { type: "object", x_kubernetes_preserve_unknown_fields: true };
  const crd = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}`, labels: { "mcp-fleet.dev/stand-in": "true" } },
    spec: {
      group,
      scope: "Namespaced",
      names: { kind, singular, plural, listKind: `${kind}List` },
      versions: [
        {
          ...{ name: version, served: true, storage: true },
          schema: { openAPIV3Schema: { type: "object", properties: { spec: open } } },
        },
      ],
    },
  };
  return crd;
}

/** Does once what Infisical's operator would: makes the Secret that the namespace's InfisicalSecret asks for. */
export async function playInfisical(config: KubeConfig, namespace: string): Promise<void> {
  const objects = config.makeApiClient(CustomObjectsApi);
  const core = config.makeApiClient(CoreV1Api);
  const kind = {
    ...{ group: "secrets.infisical.com", version: "v1alpha1", plural: "infisicalsecrets" },
    namespace,
  };
  const deadline = Date.now() + 60_000;
  for (;;) {
    const { items } = (await objects.listNamespacedCustomObject(kind)) as { items: Infisical[] };
    const [wanted] = items.flatMap(({ spec }) => spec.managedKubeSecretReferences);
    if (wanted !== undefined) {
      const stringData = { OUTLINE_API_KEY: "made-by-the-test" };
      const body = { metadata: { name: wanted.secretName }, stringData };
      await core.createNamespacedSecret({ namespace: wanted.secretNamespace, body });
      return;
    }
    if (Date.now() > deadline) throw new Error(`no InfisicalSecret in ${namespace}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

interface Infisical {
  readonly spec: {
    readonly managedKubeSecretReferences: readonly {
      readonly secretName: string;
      readonly secretNamespace: string;
    }[];
  };
}
