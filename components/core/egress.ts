import { cidrContains } from "@mcp-fleet/schema";
import type * as k8s from "@pulumi/kubernetes";

type EgressRule = k8s.types.input.networking.v1.NetworkPolicyEgressRule;
type Peer = k8s.types.input.networking.v1.NetworkPolicyPeer;

/** Where pods resolve names. */
export interface DnsServers {
  /** Namespace of the cluster's DNS pods. @default "kube-system" */
  readonly namespace?: string | undefined;
  /** Labels of those pods. @default `k8s-app: kube-dns`, as nearly every cluster has them */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Port of those pods, behind their Service. @default 53 */
  readonly port?: number | undefined;
  /** Address ranges that are asked as well, on port 53: a node-local cache, or name servers outside of the cluster. */
  readonly addresses?: readonly string[] | undefined;
}

/** What NetworkPolicies must know about the cluster. */
export interface ClusterNetwork {
  readonly dns?: DnsServers | undefined;
  /** Ranges of pods, Services, nodes and the API server that are not private; they are excluded from the internet. */
  readonly ranges?: readonly string[] | undefined;
}

/** Pods that may be called, by namespace, labels or both. Without a namespace: those of the caller's. */
export interface PodTarget {
  readonly namespace?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** TCP ports of the pods, behind their Service. @default every port */
  readonly ports?: readonly number[] | undefined;
}

/** An address range that may be called. */
export interface AddressTarget {
  readonly cidr: string;
  readonly except?: readonly string[] | undefined;
  /** TCP ports. @default every port */
  readonly ports?: readonly number[] | undefined;
}

const namespaceLabel = "kubernetes.io/metadata.name";

/**
 * Addresses that are not public, by the registries of special addresses (RFC 6890): this host, private,
 * carrier-grade NAT, loopback, link-local, IETF, benchmarks, multicast, reserved; and metadata addresses of
 * clouds among the public ones.
 */
const notPublic = [
  ...["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32"],
  ...["169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15"],
  ...["224.0.0.0/4", "240.0.0.0/4"],
];
/**
 * The same for IPv6, and the ranges that lead to IPv4 addresses. Not `::ffff:0:0/96`: no packet has such an
 * address, and the API server reads the range as IPv4 and rejects the rule.
 */
const notPublic6 = [
  ...["::/128", "::1/128", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16"],
  ...["fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"],
];

const privateRanges = [
  "10.0.0.0/8",
  "100.64.0.0/10",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "fc00::/7",
];
/** The API server's port behind its Service, whichever port the Service has. */
export const apiServerPortNumbers = [443, 6443];

/** Where clouds offer a node's credentials: AWS, Azure, Google and others; Azure, Alibaba, Oracle; AWS by IPv6. */
const metadata = [
  ...["169.254.169.254/32", "169.254.170.2/32", "169.254.170.23/32", "169.254.169.252/32"],
  ...["168.63.129.16/32", "100.100.100.200/32", "192.0.0.192/32"],
  ...["fd00:ec2::254/128", "fd00:ec2::23/128", "fd20:ce::254/128"],
];

/** DNS queries to the name servers and nowhere else. */
export function dnsEgress(dns: DnsServers = {}): EgressRule[] {
  const { namespace = "kube-system", labels = { "k8s-app": "kube-dns" }, port = 53 } = dns;
  const both = (number: number): EgressRule["ports"] =>
    ["UDP", "TCP"].map((protocol) => ({ protocol, port: number }));
  const addresses = (dns.addresses ?? []).map((cidr) => ({ ipBlock: { cidr } }));
  return [
    { to: [podPeer({ namespace, labels })], ports: both(port) },
    ...(addresses.length === 0 ? [] : [{ to: addresses, ports: both(53) }]),
  ];
}

/** Every public address, and none of the cluster's own. */
export function internetEgress(ranges: readonly string[] = []): EgressRule {
  const without = (cidr: string, except: readonly string[]): Peer => ({
    ipBlock: { cidr, except: [...except, ...ranges.filter((one) => cidrContains(cidr, one))] },
  });
  return { to: [without("0.0.0.0/0", notPublic), without("::/0", notPublic6)] };
}

/**
 * An address range without the metadata addresses in it, which offer the node's credentials. A single one of
 * them is intended and stays.
 */
export function addressEgress({ cidr, except = [], ports }: AddressTarget): EgressRule {
  const within = metadata.filter((one) => cidr !== one && cidrContains(cidr, one));
  const all = outermost([...except, ...within]);
  return {
    to: [{ ipBlock: { cidr, ...(all.length === 0 ? {} : { except: all }) } }],
    ...(ports === undefined ? {} : { ports: tcp(ports) }),
  };
}

/** Where a cluster's API server may be: private addresses, and the cluster's own public ranges. */
export function apiServerEgress(ranges: readonly string[] = []): EgressRule[] {
  return [...privateRanges, ...ranges].map((cidr) =>
    addressEgress({ cidr, ports: apiServerPortNumbers }),
  );
}

/** Pods of the cluster. */
export function podEgress(target: PodTarget): EgressRule {
  const { ports } = target;
  return { to: [podPeer(target)], ...(ports === undefined ? {} : { ports: tcp(ports) }) };
}

/** Pods as a NetworkPolicy names them. */
export function podPeer({ namespace, labels }: PodTarget): Peer {
  const matchLabels = labels === undefined ? undefined : { ...labels };
  return {
    ...(namespace === undefined
      ? {}
      : { namespaceSelector: { matchLabels: { [namespaceLabel]: namespace } } }),
    ...(namespace === undefined || matchLabels !== undefined
      ? { podSelector: matchLabels === undefined ? {} : { matchLabels } }
      : {}),
  };
}

function tcp(ports: readonly number[]): EgressRule["ports"] {
  return ports.map((port) => ({ protocol: "TCP", port }));
}

/** The ranges without those inside another one and without duplicates, in their order. */
function outermost(ranges: readonly string[]): string[] {
  return [...new Set(ranges)].filter(
    (one, index, all) =>
      !all.some(
        (other, at) =>
          at !== index && cidrContains(other, one) && (at < index || !cidrContains(one, other)),
      ),
  );
}
