import type { V1ObjectMeta, V1PodTemplateSpec } from "@kubernetes/client-node";
import { asking, isServer, type Kube, leadsTo } from "@mcp-fleet/kube";

import { type ClusterIdentity, identify, type Places, refusalOf } from "./identity";

/** A workload that is an MCP server, or looks like one, in a place where none may be. */
export interface StrayServer {
  readonly kind: "Deployment" | "StatefulSet" | "DaemonSet";
  readonly namespace: string;
  readonly name: string;
  readonly images: readonly string[];
  /** The evidence: a label is proof, a name or an image only makes it likely. */
  readonly evidence: "label" | "name" | "image";
  /** Services that select its pods. */
  readonly services: readonly string[];
  /** `remove`: the cluster is the wrong one; `move`: only the namespace is. */
  readonly advice: "remove" | "move";
  readonly why: string;
}

const mcp = /(^|[-_/])mcp([-_/:]|$)/;

/**
 * The MCP servers that run where they may not: all of a cluster that is not allowed, else those outside of the allowed
 * namespaces. Looks at Deployments, StatefulSets and DaemonSets of all namespaces.
 *
 * @throws {UserError} when the cluster does not answer or does not allow it
 */
export async function findStray(
  kube: Kube,
  allowed: Places,
  forbidden: Places,
): Promise<{ readonly cluster: ClusterIdentity; readonly servers: readonly StrayServer[] }> {
  const rules = [...allowed.clusters, ...forbidden.clusters];
  const cluster = await identify(kube, rules);
  const refusal = refusalOf(cluster, allowed.clusters, forbidden.clusters);
  const all = await asking(kube, "list workloads and Services of all namespaces", () =>
    Promise.all([
      kube.apps.listDeploymentForAllNamespaces(),
      kube.apps.listStatefulSetForAllNamespaces(),
      kube.apps.listDaemonSetForAllNamespaces(),
      kube.core.listServiceForAllNamespaces(),
    ]),
  );
  const [deployments, statefulSets, daemonSets, services] = all;
  const workloads = [
    ...deployments.items.map((one) => ({ ...one, kind: "Deployment" as const })),
    ...statefulSets.items.map((one) => ({ ...one, kind: "StatefulSet" as const })),
    ...daemonSets.items.map((one) => ({ ...one, kind: "DaemonSet" as const })),
  ];
  const servers = workloads.flatMap(({ kind, metadata, spec }): StrayServer[] => {
    const { name = "", namespace = "" } = metadata ?? {};
    const template = spec?.template;
    const labels = template?.metadata?.labels ?? {};
    const evidence = evidenceOf(metadata, template);
    const why = refusal?.why ?? namespaceRefusal(namespace, allowed, forbidden);
    if (evidence === undefined || why === undefined) return [];
    return [
      {
        ...{ kind, namespace, name, evidence, why },
        images: imagesOf(template),
        services: services.items
          .filter((one) => one.metadata?.namespace === namespace && leadsTo(one, labels))
          .map((one) => one.metadata?.name ?? ""),
        advice: refusal === undefined ? "move" : "remove",
      },
    ];
  });
  return { cluster, servers };
}

/** What to do about each, as lines for people: the reason, then commands that do it once the server runs elsewhere. */
export function strayReport(
  { context, uid }: ClusterIdentity,
  servers: readonly StrayServer[],
  allowed: Places,
): string[] {
  if (servers.length === 0) return [`No MCP server is where it must not be (cluster ${uid}).`];
  const target = [
    ...(allowed.namespaces.length === 0 ? [] : [`namespace ${allowed.namespaces.join(" or ")}`]),
    ...(allowed.clusters.length === 0 ? [] : [`cluster ${allowed.clusters.join(" or ")}`]),
  ].join(" of ");
  return servers.flatMap((server) => {
    const { kind, namespace, name, advice, evidence, why, services } = server;
    const sure = evidence === "label" ? "is an MCP server" : `looks like one by its ${evidence}`;
    const objects = [`${kind.toLowerCase()}/${name}`, ...services.map((one) => `service/${one}`)];
    const where = target === "" ? "elsewhere" : `in ${target}`;
    const done = `kubectl --context ${context} -n ${namespace} delete ${objects.join(" ")}`;
    return [
      `${kind} ${namespace}/${name} ${sure}: ${why}.`,
      evidence === "label"
        ? `  ${advice}: run it ${where}, then: ${done}`
        : `  ${advice}, if it is one: run it ${where}, and remove ${objects.join(" and ")} here. Look at it first.`,
    ];
  });
}

/** Wider than {@link isServer}, which every command uses: here a workload counts if it may be a server. */
function evidenceOf(
  metadata: V1ObjectMeta | undefined,
  template: V1PodTemplateSpec | undefined,
): StrayServer["evidence"] | undefined {
  const labels = { ...metadata?.labels, ...template?.metadata?.labels };
  if (isServer({ metadata }) || isServer({ metadata: { labels } }) || labels.component === "mcp")
    return "label";
  if (mcp.test(metadata?.name ?? "")) return "name";
  return imagesOf(template).some((image) => mcp.test(repositoryOf(image))) ? "image" : undefined;
}

/** An image's repository without its registry. The registry's name says nothing about the content. */
function repositoryOf(image: string): string {
  const [first = "", ...rest] = image.split("/");
  return rest.length > 0 && /[.:]|^localhost$/.test(first) ? rest.join("/") : image;
}

function imagesOf(template: V1PodTemplateSpec | undefined): string[] {
  return (template?.spec?.containers ?? []).map(({ image }) => image ?? "");
}

function namespaceRefusal(
  namespace: string,
  allowed: Places,
  forbidden: Places,
): string | undefined {
  if (forbidden.namespaces.includes(namespace)) return `namespace ${namespace} is forbidden`;
  if (allowed.namespaces.length === 0 || allowed.namespaces.includes(namespace)) return undefined;
  return `namespace ${namespace} is none of the allowed ones`;
}
