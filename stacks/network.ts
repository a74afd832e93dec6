import { isIP } from "node:net";

import type { AddressTarget, ClusterNetwork, PodTarget } from "../components/core";
import type { StackConfig } from "./config";

/** What every NetworkPolicy of the stack must know about its cluster. */
export function clusterNetwork({ settings }: Pick<StackConfig, "settings">): {
  readonly clusterNetwork: ClusterNetwork;
} {
  const { dns, clusterRanges: ranges } = settings.network;
  return { clusterNetwork: { dns, ranges } };
}

/**
 * Where servers find the application's database: as in `network.database`, else as in the database's URL. A
 * NetworkPolicy cannot contain a host name, so a name outside of the cluster allows every address, on the
 * database's port. Undefined without a URL.
 */
export function databaseTarget({
  settings,
  secrets,
}: Pick<StackConfig, "settings" | "secrets">): AddressTarget | PodTarget | undefined {
  const { database } = settings.network;
  if (database !== undefined) {
    const { port, ...where } = database;
    return { ...where, ports: [port] };
  }
  const { databaseAddress: address } = secrets;
  if (address === undefined) return undefined;
  const ports = [address.port];
  const host = address.host.replace(/^\[(.*)\]$/, "$1");
  const family = isIP(host);
  if (family !== 0) return { cidr: `${host}/${family === 4 ? 32 : 128}`, ports };
  const [, namespace] = /^[a-z0-9-]+\.([a-z0-9-]+)\.svc(?:\.|$)/.exec(host) ?? [];
  if (namespace !== undefined) return { namespace, ports };
  return host.includes(".") ? { cidr: "0.0.0.0/0", ports } : { ports };
}
