import { z } from "zod";

import { cidrContains, isCidr } from "./cidr";
import { cidr, dnsName, labels, port } from "./fields";

const egressProfile = z.enum(["none", "dns", "cluster", "internet"]);

/** A host name as Cilium accepts it: complete, or with `*` as a wildcard. */
const fqdn = z
  .string()
  .regex(
    /^(\*|[a-z0-9*]([a-z0-9*-]*[a-z0-9*])?)(\.[a-z0-9*]([a-z0-9*-]*[a-z0-9*])?)+$/i,
    "must be a host name like api.github.com or *.atlassian.net",
  );

const ports = z.array(port).min(1, "must name a port, or be left out");

/** Pods by namespace, labels or both. Without a namespace: those of the server's own. */
export const pods = z
  .strictObject({
    namespace: dnsName.optional().meta({
      description: "Namespace of the pods. Default: the server's own.",
      examples: ["monitoring"],
    }),
    labels: labels.optional().meta({
      description: "Labels that the pods have. Default: every pod of the namespace.",
      examples: [{ "app.kubernetes.io/name": "prometheus" }],
    }),
    ports: ports.optional().meta({
      description: "TCP ports of the pods, behind their Service. Default: every port.",
      examples: [[9090]],
    }),
  })
  .refine(
    (value) => value.namespace !== undefined || Object.keys(value.labels ?? {}).length > 0,
    "must name a namespace or labels",
  );

const range = z
  .strictObject({
    cidr: cidr.meta({
      description: "The range, without the addresses at which clouds hand out credentials.",
      examples: ["10.20.0.0/16"],
    }),
    except: z
      .array(cidr)
      .optional()
      .meta({
        description: "Ranges within it that may not be called.",
        examples: [["10.20.5.0/24"]],
      }),
    ports: ports.optional().meta({
      description: "TCP ports. Default: every port.",
      examples: [[5432]],
    }),
  })
  .refine(
    ({ cidr: whole, except = [] }) => except.every((part) => isWithin(part, whole)),
    "must have exceptions (except) that lie in its range (cidr) and are smaller",
  );

function isWithin(part: string, whole: string): boolean {
  // Another check reports what is not a range.
  if (!isCidr(part) || !isCidr(whole)) return true;
  return cidrContains(whole, part) && !cidrContains(part, whole);
}

/** Where a server may connect to: a profile, or a profile with ranges of addresses, pods and host names. */
export const egress = z.union([
  egressProfile,
  z
    .strictObject({
      profile: egressProfile.optional().meta({
        description:
          "none: nowhere; dns: the cluster's name servers; cluster: name servers and pods of its own namespace; internet: name servers and public addresses. Default: the catalog's; dns where that names none, or fqdns are named.",
        examples: ["internet"],
      }),
      to: z
        .array(range)
        .min(1, "must name a range of addresses")
        .optional()
        .meta({
          description: "Ranges of addresses that may be called too.",
          examples: [[{ cidr: "10.20.0.0/16", ports: [5432] }]],
        }),
      pods: z
        .array(pods)
        .min(1, "must name pods")
        .optional()
        .meta({
          description:
            'Pods that may be called too; for the profile "cluster", instead of those of the server\'s own namespace.',
          examples: [[{ namespace: "search", ports: [9200] }]],
        }),
      fqdns: z
        .array(fqdn)
        .min(1, "must name a host")
        .optional()
        .meta({
          description:
            "Hosts that may be called on port 443; a CiliumNetworkPolicy, so only where Cilium runs.",
          examples: [["api.github.com", "*.atlassian.net"]],
        }),
    })
    .refine(
      (value) => Object.values(value).some((one) => one !== undefined),
      "must name a profile, ranges of addresses (to), pods or hosts (fqdns)",
    ),
]);

/** Where a server may connect to. */
export type Egress = z.output<typeof egress>;
