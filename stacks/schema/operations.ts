import { z } from "zod";

import { cidr, dnsName, labels, port } from "./common";

const firstNodePort = 31000;
const lastNodePort = 31999;

const profile = z.enum(["none", "dns", "cluster", "internet"]);

/** A host name as Cilium takes it: in full, or with stars for what may be anything. */
const fqdn = z
  .string()
  .regex(
    /^(\*|[a-z0-9*]([a-z0-9*-]*[a-z0-9*])?)(\.[a-z0-9*]([a-z0-9*-]*[a-z0-9*])?)+$/i,
    "must be a host name like api.github.com or *.atlassian.net",
  );

/** Where a server may connect to: a profile, or a profile with ranges of addresses and host names. */
export const egress = z.union([
  profile,
  z
    .strictObject({
      profile: profile.optional(),
      to: z
        .array(
          z.strictObject({
            cidr,
            except: z.array(cidr).optional(),
            ports: z.array(port).min(1, "must name a port, or be left out").optional(),
          }),
        )
        .min(1, "must name a range of addresses")
        .optional(),
      /** Pods that may be called; for the profile "cluster", instead of those of the server's own namespace. */
      pods: z
        .array(
          z
            .strictObject({
              namespace: dnsName.optional(),
              labels: labels.optional(),
              ports: z.array(port).min(1, "must name a port, or be left out").optional(),
            })
            .refine(
              (value) => value.namespace !== undefined || hasLabels(value.labels),
              "must name a namespace or labels",
            ),
        )
        .min(1, "must name pods")
        .optional(),
      /** Hosts that may be called on port 443; a CiliumNetworkPolicy, so only where Cilium runs. */
      fqdns: z.array(fqdn).min(1, "must name a host").optional(),
    })
    .refine(
      (value) => [value.to, value.pods, value.fqdns].some((one) => one !== undefined),
      "must name ranges of addresses (to), pods or hosts (fqdns)",
    ),
]);

function hasLabels(given: Readonly<Record<string, string>> | undefined): boolean {
  return given !== undefined && Object.keys(given).length > 0;
}

const percent = z.int().min(1, "must be from 1 to 100").max(100, "must be from 1 to 100");

const toleration = z.strictObject({
  key: z.string().optional(),
  operator: z.enum(["Exists", "Equal"]).optional(),
  value: z.string().optional(),
  effect: z.enum(["NoSchedule", "PreferNoSchedule", "NoExecute"]).optional(),
  tolerationSeconds: z.int().optional(),
});

/** A part of a Kubernetes object that is merged into ours. */
const patch = z.record(z.string(), z.unknown());

/** How a server runs: replicas, nodes, end, Service. */
export const operations = {
  autoscaling: z
    .strictObject({
      minReplicas: z.int().min(1).default(1),
      maxReplicas: z.int().min(1).max(100),
      cpuPercent: percent.optional(),
      memoryPercent: percent.optional(),
    })
    .optional(),
  disruptionBudget: z.strictObject({ maxUnavailable: z.int().min(1).default(1) }).optional(),
  /** Node labels, such as kubernetes.io/hostname. */
  spreadOver: z.array(z.string().min(1)).optional(),
  priorityClass: dnsName.optional(),
  nodeSelector: labels.optional(),
  tolerations: z.array(toleration).optional(),
  preStopSeconds: z.int().min(0).optional(),
  terminationGraceSeconds: z.int().min(1).optional(),
  service: z
    .strictObject({
      type: z.enum(["ClusterIP", "NodePort", "LoadBalancer"]),
      nodePort: z
        .int()
        .min(firstNodePort, `must be from ${firstNodePort} to ${lastNodePort}`)
        .max(lastNodePort, `must be from ${firstNodePort} to ${lastNodePort}`)
        .optional(),
      /** Addresses that may call, as the pods see them. */
      sourceRanges: z.array(cidr).optional(),
      externalTrafficPolicy: z.enum(["Local", "Cluster"]).optional(),
      annotations: labels.optional(),
    })
    .optional(),
  /** Merged into the objects last; no pod becomes weaker, no policy wider and no object another one by it. */
  transform: z
    .strictObject({
      deployment: patch.optional(),
      service: patch.optional(),
      serviceAccount: patch.optional(),
      configMap: patch.optional(),
      externalSecret: patch.optional(),
      networkPolicy: patch.optional(),
      fqdnPolicy: patch.optional(),
      autoscaler: patch.optional(),
      disruptionBudget: patch.optional(),
    })
    .optional(),
};
