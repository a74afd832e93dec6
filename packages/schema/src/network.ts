import { z } from "zod";

import { cidr, dnsName, labels, port, someLabels } from "./fields";

/** Where pods ask for names. */
export const dns = z.strictObject({
  namespace: dnsName.optional(),
  labels: someLabels.optional(),
  /** Port of the DNS pods, behind their Service. @default 53 */
  port: port.optional(),
  /** A node-local cache, or name servers outside of the cluster. */
  addresses: z.array(cidr).min(1, "must name a range of addresses").optional(),
});

/** Ranges of the cluster that are no private ones. */
export const clusterRanges = z.array(
  cidr.refine((range) => !range.endsWith("/0"), "is every address; name the cluster's own ranges"),
);

/** Where servers that read the application's database find it, as their pods connect: behind a Service. */
const database = z.union([
  z.strictObject({ cidr, port: port.default(5432) }),
  z
    .strictObject({
      namespace: dnsName.optional(),
      labels: labels.optional(),
      port: port.default(5432),
    })
    .refine(
      (value) => value.namespace !== undefined || Object.keys(value.labels ?? {}).length > 0,
      "must name a range of addresses (cidr), a namespace or labels",
    ),
]);

/** What NetworkPolicies are made, and what they have to know of the cluster. */
export const network = z.strictObject({
  isolate: z.enum(["namespace", "fleet", "none"]).optional(),
  dns: dns.optional(),
  clusterRanges: clusterRanges.default([]),
  database: database.optional(),
});
