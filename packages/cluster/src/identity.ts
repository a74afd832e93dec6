import { BlockList, isIP, isIPv6 } from "node:net";

import { UserError } from "@mcp-fleet/errors";
import { asking, type Kube } from "@mcp-fleet/kube";

/** What tells one cluster from another, whatever a kubeconfig calls it. */
export interface ClusterIdentity {
  /** UID of the namespace kube-system, which lasts as long as the cluster. */
  readonly uid: string;
  /** Addresses of the nodes within their network. Empty where no rule asks for them. */
  readonly nodes: readonly string[];
  readonly context: string;
  readonly server: string;
}

/**
 * Places by cluster and namespace. A cluster is the UID of its namespace kube-system, or a range of addresses that its
 * nodes lie in. An empty list says nothing.
 */
export interface Places {
  readonly clusters: readonly string[];
  readonly namespaces: readonly string[];
}

/**
 * Asks the cluster who it is.
 *
 * @param rules what the answer is compared with: nodes are asked for only when a range is among them, because listing
 *   them is a right of its own
 * @throws {UserError} when the cluster does not answer or does not say
 */
export async function identify(kube: Kube, rules: readonly string[]): Promise<ClusterIdentity> {
  const { metadata } = await asking(kube, "read the namespace kube-system", () =>
    kube.core.readNamespace({ name: "kube-system" }),
  );
  const ranges = rules.some(isRange);
  const nodes = ranges
    ? await asking(kube, "list the nodes", () => kube.core.listNode())
    : undefined;
  const addresses = (nodes?.items ?? []).flatMap(({ status }) => status?.addresses ?? []);
  return {
    uid: metadata?.uid ?? "",
    nodes: addresses.flatMap(({ type, address }) => (type === "InternalIP" ? [address] : [])),
    context: kube.context,
    server: kube.server,
  };
}

/** How many of the cluster's nodes a rule matches; a UID matches all or none. */
export function matches(rule: string, { uid, nodes }: ClusterIdentity): "all" | "some" | "none" {
  if (!isRange(rule)) return rule.toLowerCase() === uid ? "all" : "none";
  const [address = "", bits] = rule.split("/");
  const range = new BlockList();
  const family = isIPv6(address) ? "ipv6" : "ipv4";
  range.addSubnet(address, Number(bits), family);
  const inside = nodes.filter((node) => range.check(node, isIPv6(node) ? "ipv6" : "ipv4")).length;
  if (inside === 0) return "none";
  return inside === nodes.length ? "all" : "some";
}

/**
 * Why a cluster may not be used, in half a sentence. Undefined when it may: all of its nodes are in an allowed range
 * and none is in a forbidden one, or its UID says so.
 */
export function refusalOf(
  identity: ClusterIdentity,
  allowed: readonly string[],
  forbidden: readonly string[],
): { readonly list: "allowed" | "forbidden"; readonly why: string } | undefined {
  const nodes = identity.nodes.length === 0 ? "" : `, nodes ${identity.nodes.join(", ")}`;
  const it = `kube-system ${identity.uid}${nodes}`;
  const hit = forbidden.find((rule) => matches(rule, identity) !== "none");
  if (hit !== undefined) return { list: "forbidden", why: `it (${it}) is forbidden by ${hit}` };
  if (allowed.length === 0 || allowed.some((rule) => matches(rule, identity) === "all")) {
    return undefined;
  }
  return { list: "allowed", why: `it (${it}) is none of the allowed ones` };
}

const uid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** @throws UserError (exit code 2) when there is no rule at all, or one names no cluster */
export function requirePlaces(allowed: Places, forbidden: Places): void {
  const clusters = [...allowed.clusters, ...forbidden.clusters];
  const wrong = clusters.find((rule) => !uid.test(rule) && !isCidr(rule));
  if (wrong !== undefined) {
    throw new UserError(
      `"${wrong}" is not a cluster's UID or address range.`,
      "Use the UID of its namespace kube-system, or a range of addresses like 10.20.0.0/24.",
      { exitCode: 2 },
    );
  }
  if (clusters.length + allowed.namespaces.length + forbidden.namespaces.length > 0) return;
  throw new UserError(
    "Nothing says where MCP servers may be.",
    "Name clusters or namespaces with --allow-cluster, --allow-namespace, --forbid-cluster or --forbid-namespace.",
    { exitCode: 2 },
  );
}

function isCidr(text: string): boolean {
  const [address = "", bits = "", ...rest] = text.split("/");
  const most = isIP(address) === 4 ? 32 : 128;
  return isIP(address) > 0 && rest.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= most;
}

function isRange(rule: string): boolean {
  return rule.includes("/");
}
