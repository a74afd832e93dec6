import { BlockList, isIP } from "node:net";

import { z } from "zod";

import { cidr, dnsName, labels, port } from "./fields";

export const egressProfile = z.enum(["none", "dns", "cluster", "internet"]);

/** A host name as Cilium takes it: in full, or with stars for what may be anything. */
const fqdn = z
  .string()
  .regex(
    /^(\*|[a-z0-9*]([a-z0-9*-]*[a-z0-9*])?)(\.[a-z0-9*]([a-z0-9*-]*[a-z0-9*])?)+$/i,
    "must be a host name like api.github.com or *.atlassian.net",
  );

const ports = z.array(port).min(1, "must name a port, or be left out");

/** Pods of a namespace, with labels, or both. Without a namespace those of the server's own. */
export const pods = z
  .strictObject({
    namespace: dnsName.optional(),
    labels: labels.optional(),
    ports: ports.optional(),
  })
  .refine(
    (value) => value.namespace !== undefined || Object.keys(value.labels ?? {}).length > 0,
    "must name a namespace or labels",
  );

const range = z
  .strictObject({ cidr, except: z.array(cidr).optional(), ports: ports.optional() })
  .refine(
    ({ cidr: whole, except = [] }) => except.every((part) => isWithin(part, whole)),
    "must have exceptions (except) that lie in its range (cidr) and are smaller",
  );

function isWithin(part: string, whole: string): boolean {
  const split = (text: string): [string, number] => {
    const [address = "", bits = ""] = text.split("/");
    return [address, Number(bits)];
  };
  const [[address, bits], [base, baseBits]] = [split(part), split(whole)];
  const [family, baseFamily] = [isIP(address), isIP(base)];
  // What is no range is told by its own check.
  if (family === 0 || baseFamily === 0 || baseBits > (baseFamily === 4 ? 32 : 128)) return true;
  if (family !== baseFamily || bits <= baseBits) return false;
  const type = family === 4 ? "ipv4" : "ipv6";
  const list = new BlockList();
  list.addSubnet(base, baseBits, type);
  return list.check(address, type);
}

/** Where a server may connect to: a profile, or a profile with ranges of addresses, pods and host names. */
export const egress = z.union([
  egressProfile,
  z
    .strictObject({
      profile: egressProfile.optional(),
      to: z.array(range).min(1, "must name a range of addresses").optional(),
      /** Pods that may be called; for the profile "cluster", instead of those of the server's own namespace. */
      pods: z.array(pods).min(1, "must name pods").optional(),
      /** Hosts that may be called on port 443; a CiliumNetworkPolicy, so only where Cilium runs. */
      fqdns: z.array(fqdn).min(1, "must name a host").optional(),
    })
    .refine(
      (value) => Object.values(value).some((one) => one !== undefined),
      "must name a profile, ranges of addresses (to), pods or hosts (fqdns)",
    ),
]);

/** Where a server may connect to. */
export type Egress = z.output<typeof egress>;
