import { existsSync, readFileSync, writeFileSync } from "node:fs";

import { UserError } from "@mcp-fleet/errors";

import { run } from "../exec";
import { clusterRecordIn, paths } from "../paths";

/** The addresses of the bare cluster, all within one private /16 that the machine does not use. */
export interface NetworkPlan {
  /** The node's own address, on a bridge of the lab; what pods reach the machine by. */
  readonly nodeIp: string;
  readonly podCidr: string;
  readonly serviceCidr: string;
  /** First address of the Service range: the API server as pods see it. */
  readonly apiServiceIp: string;
  readonly dnsIp: string;
  /** The whole range, pods, Services and node. */
  readonly range: string;
  /** Packet size of the pods' interfaces, in bytes; the machine's own way out decides. */
  readonly mtu: number;
}

/** The lab's interface and its nftables table. */
export const bridgeName = "mcp-fleet0";
const natTable = "mcp-fleet-lab";

/** Settings of the kernel that the lab or the kubelet changes, put back by `make down`. */
const kernelSettings = [
  "net/ipv4/ip_forward",
  "vm/overcommit_memory",
  "vm/panic_on_oom",
  "kernel/panic",
  "kernel/panic_on_oops",
  "kernel/keys/root_maxkeys",
  "kernel/keys/root_maxbytes",
];

interface Route {
  readonly dst: string;
  readonly dev?: string;
}

interface Link {
  readonly ifname: string;
  readonly mtu: number;
  readonly addr_info?: readonly { readonly local?: string; readonly prefixlen?: number }[];
}

const toNumber = (ip: string): number =>
  ip.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);

/** Whether two IPv4 ranges (`a.b.c.d/n`, a bare address counts as /32) share an address. */
function overlaps(a: string, b: string): boolean {
  const [first = "", firstBits = "32"] = a.split("/");
  const [second = "", secondBits = "32"] = b.split("/");
  const size = 2 ** (32 - Math.min(Number(firstBits), Number(secondBits)));
  return Math.floor(toNumber(first) / size) === Math.floor(toNumber(second) / size);
}

/**
 * Picks a private range that no interface, route or name server of this machine uses.
 *
 * @throws UserError when every candidate is in use.
 */
export async function planNetwork(): Promise<NetworkPlan> {
  const routes = JSON.parse(await run("ip", ["-4", "-json", "route"])) as Route[];
  const links = JSON.parse(await run("ip", ["-4", "-json", "address"])) as Link[];
  const used = [
    // A VPN that takes all traffic routes halves of the whole address space; that uses no range.
    ...routes.map((route) => route.dst).filter((dst) => !/^default$|\/[0-3]$/.test(dst)),
    ...links.flatMap((link) => (link.addr_info ?? []).map((a) => `${a.local}/${a.prefixlen}`)),
    ...nameServers(),
  ];
  const candidates = ["10.213", "10.187", "10.149", "10.91", "10.67", "172.29", "172.23"];
  const prefix = candidates.find((c) => used.every((taken) => !overlaps(`${c}.0.0/16`, taken)));
  if (prefix === undefined) {
    throw new UserError(
      `Every private range the lab could use is taken on this machine: ${candidates.join(", ")}.`,
      "Free one of them, or name a cluster of your own in LAB_KUBECONFIG.",
    );
  }
  const wayOut = routes.find((route) => route.dst === "default")?.dev;
  return planOf(prefix, links.find((link) => link.ifname === wayOut)?.mtu ?? 1500);
}

/** The plan of a lab whose interface is still there and whose record was lost; undefined when there is none. */
export async function leftoverPlan(): Promise<NetworkPlan | undefined> {
  if (otherLab() !== undefined) return undefined;
  const links = JSON.parse(await run("ip", ["-4", "-json", "address"])) as Link[];
  const address = links.find((link) => link.ifname === bridgeName)?.addr_info?.[0]?.local;
  const prefix = address?.split(".").slice(0, 2).join(".");
  return prefix === undefined ? undefined : planOf(prefix, 1500);
}

/** The cache directory of another bare lab, which has its record and so is no leftover; undefined when there is none. */
export function otherLab(): string | undefined {
  const file = `/sys/class/net/${bridgeName}/ifalias`;
  const cache = existsSync(file) ? readFileSync(file, "utf8").trim() : "";
  const other = cache !== "" && cache !== paths.cache && existsSync(clusterRecordIn(cache));
  return other ? cache : undefined;
}

function planOf(prefix: string, mtu: number): NetworkPlan {
  return {
    nodeIp: `${prefix}.0.1`,
    podCidr: `${prefix}.64.0/18`,
    serviceCidr: `${prefix}.128.0/20`,
    apiServiceIp: `${prefix}.128.1`,
    dnsIp: `${prefix}.128.10`,
    range: `${prefix}.0.0/16`,
    mtu: Math.min(1500, mtu),
  };
}

/** The machine's IPv4 name servers that a pod could reach too; loopback ones are left out. */
export function nameServers(): string[] {
  for (const file of ["/run/systemd/resolve/resolv.conf", "/etc/resolv.conf"]) {
    try {
      const found = [...readFileSync(file, "utf8").matchAll(/^nameserver\s+([\d.]+)\s*$/gm)]
        .map((match) => match[1] ?? "")
        .filter((ip) => ip !== "" && !ip.startsWith("127."));
      if (found.length > 0) return found;
    } catch {
      // The next file may exist.
    }
  }
  return [];
}

/** The kernel settings as they are now, to be handed to {@link restoreKernelSettings}. */
export function readKernelSettings(): Record<string, string> {
  return Object.fromEntries(
    kernelSettings.flatMap((key) => {
      try {
        return [[key, readFileSync(`/proc/sys/${key}`, "utf8").trim()]];
      } catch {
        return [];
      }
    }),
  );
}

/** Puts changed kernel settings back. */
export function restoreKernelSettings(saved: Readonly<Record<string, string>>): void {
  const now = readKernelSettings();
  for (const [key, value] of Object.entries(saved)) {
    if (now[key] !== value) writeFileSync(`/proc/sys/${key}`, value);
  }
}

/** Makes the node's interface and lets pods out of the machine under its address. */
export async function networkUp(plan: NetworkPlan): Promise<void> {
  // A bridge without ports: unlike a dummy interface it needs no module that may be missing.
  await run("ip", ["link", "add", bridgeName, "type", "bridge"]);
  await run("ip", ["address", "add", `${plan.nodeIp}/32`, "dev", bridgeName]);
  // By it another lab, with a cache of its own, sees whose this is. The kernel takes 255 bytes.
  await run("ip", ["link", "set", bridgeName, "alias", paths.cache.slice(0, 255), "up"]);
  writeFileSync("/proc/sys/net/ipv4/ip_forward", "1");
  const rules = `table ip ${natTable} {
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr ${plan.podCidr} ip daddr != ${plan.range} masquerade
  }
}
`;
  await run("nft", ["-f", "-"], { input: rules });
}

/** Removes the interface, the veths of pods that are left, and the lab's and kube-proxy's nftables tables. */
export async function networkDown(plan: NetworkPlan): Promise<void> {
  const tables = await run("nft", ["list", "tables"]).catch(() => "");
  for (const table of [`ip ${natTable}`, "ip kube-proxy", "ip6 kube-proxy"]) {
    if (tables.includes(`table ${table}\n`) || tables.endsWith(`table ${table}`)) {
      await run("nft", ["delete", "table", ...table.split(" ")]);
    }
  }
  const links = JSON.parse(await run("ip", ["-4", "-json", "address"])) as Link[];
  const routes = JSON.parse(await run("ip", ["-4", "-json", "route"])) as Route[];
  const podLinks = routes.filter((r) => overlaps(r.dst, plan.podCidr)).map((r) => r.dev ?? "");
  for (const name of new Set([...podLinks.filter((dev) => dev.startsWith("veth")), bridgeName])) {
    if (links.some((link) => link.ifname === name)) {
      // A veth may vanish by itself when the kernel takes its pod's namespace down.
      await run("ip", ["link", "delete", name]).catch(() => "");
    }
  }
}

/** Whether another Kubernetes uses this machine's packet filter; two of them would undo each other's rules. */
export async function foreignKubeProxy(): Promise<boolean> {
  return (await run("nft", ["list", "tables"])).includes("kube-proxy");
}
