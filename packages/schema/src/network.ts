import { z } from "zod";

import { cidr, dnsName, labels, port, someLabels } from "./fields";

/** Where pods resolve names. */
export const dns = z.strictObject({
  namespace: dnsName.optional().meta({
    description: "Namespace of the cluster's DNS pods. Default kube-system.",
    examples: ["kube-system"],
  }),
  labels: someLabels.optional().meta({
    description: "Labels of the DNS pods. Default k8s-app: kube-dns.",
    examples: [{ "dns.operator.openshift.io/daemonset-dns": "default" }],
  }),
  port: port.optional().meta({
    description: "Port of the DNS pods, behind their Service. Default 53.",
    examples: [5353],
  }),
  addresses: z
    .array(cidr)
    .min(1, "must name a range of addresses")
    .optional()
    .meta({
      description:
        "Additional name servers, on port 53: a node-local cache, or name servers outside of the cluster.",
      examples: [["169.254.20.10/32"]],
    }),
});

/** Ranges of the cluster that are not private address ranges. */
export const clusterRanges = z.array(
  cidr.refine((range) => !range.endsWith("/0"), "is every address; name the cluster's own ranges"),
);

const databasePort = port
  .default(5432)
  .meta({ description: "Port of the database, behind its Service.", examples: [5432] });

/** How servers that read the application's database reach it: the address behind its Service. */
const database = z.union([
  z.strictObject({
    cidr: cidr.meta({ description: "Its addresses.", examples: ["10.20.0.5/32"] }),
    port: databasePort,
  }),
  z
    .strictObject({
      namespace: dnsName.optional().meta({
        description: "Namespace of its pods. Default: the servers' own.",
        examples: ["databases"],
      }),
      labels: labels.optional().meta({
        description: "Labels of its pods. Default: every pod of the namespace.",
        examples: [{ "app.kubernetes.io/name": "postgresql" }],
      }),
      port: databasePort,
    })
    .refine(
      (value) => value.namespace !== undefined || Object.keys(value.labels ?? {}).length > 0,
      "must name a range of addresses (cidr), a namespace or labels",
    ),
]);

/** Which NetworkPolicies are created, and what they must know about the cluster. */
export const network = z.strictObject({
  isolate: z
    .enum(["namespace", "fleet", "none"])
    .optional()
    .meta({
      description:
        "Which pods are closed by default: every pod of the namespace, those of this program (fleet), or none (no policy). Default namespace where createNamespace is true, else fleet.",
      examples: ["namespace"],
    }),
  dns: dns.optional().meta({
    description: "Where pods ask for names. Default: kube-dns in kube-system, on port 53.",
    examples: [{ addresses: ["169.254.20.10/32"] }],
  }),
  clusterRanges: clusterRanges.default([]).meta({
    description:
      "Public ranges of addresses of the cluster's pods, Services, nodes or API server; the internet is without them.",
    examples: [["203.0.113.0/24"]],
  }),
  database: database.optional().meta({
    description:
      "The address of the application's database for servers that read it. Default: as the URL in studioSecrets or databaseUrl says.",
    examples: [{ cidr: "10.20.0.5/32", port: 5432 }],
  }),
});
