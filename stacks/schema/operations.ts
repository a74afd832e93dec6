import { isIP } from "node:net";

import { z } from "zod";

import { dnsName, labels, port } from "./common";

const firstNodePort = 31000;
const lastNodePort = 31999;

/** A range of addresses with its mask. */
const cidr = z.string().superRefine((text, context) => {
  const message = cidrMistake(text);
  if (message !== undefined) context.addIssue({ code: "custom", message });
});

function cidrMistake(text: string): string | undefined {
  const [address = "", mask, ...rest] = text.split("/");
  const family = isIP(address);
  const bits = family === 4 ? 32 : 128;
  if (family === 0 || rest.length > 0) {
    return `"${text}" is no range of addresses: write it like 10.0.0.0/8`;
  }
  if (mask === undefined)
    return `"${text}" has no mask: write ${text}/${bits} for this one address`;
  if (!/^\d{1,3}$/.test(mask) || Number(mask) > bits) {
    return `"${text}" has a mask that is none: write a number from 0 to ${bits}`;
  }
  return undefined;
}

const profile = z.enum(["none", "dns", "cluster", "internet"]);

/** Where a server may connect to: a profile, or a profile and ranges of addresses. */
export const egress = z.union([
  profile,
  z.strictObject({
    profile: profile.optional(),
    to: z
      .array(
        z.strictObject({
          cidr,
          except: z.array(cidr).optional(),
          ports: z.array(port).min(1, "must name a port, or be left out").optional(),
        }),
      )
      .min(1, "must name a range of addresses"),
  }),
]);

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
  /** Merged into the objects last; a pod may not become weaker by it. */
  transform: z
    .strictObject({
      deployment: patch.optional(),
      service: patch.optional(),
      serviceAccount: patch.optional(),
      configMap: patch.optional(),
      externalSecret: patch.optional(),
      networkPolicy: patch.optional(),
      autoscaler: patch.optional(),
      disruptionBudget: patch.optional(),
    })
    .optional(),
};
