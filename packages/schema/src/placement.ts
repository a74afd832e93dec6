import { z } from "zod";

import { labelKey } from "./fields";

/** A part of a Kubernetes object that is merged into the generated one. */
export const patch = z.record(z.string(), z.unknown());

export const toleration = z
  .strictObject({
    key: labelKey.optional().meta({
      description: "Key of the taint. Default, with operator Exists: every taint.",
      examples: ["nvidia.com/gpu"],
    }),
    operator: z
      .enum(["Exists", "Equal"])
      .optional()
      .meta({
        description: "Whether the taint's value counts (Equal) or not (Exists). Default Equal.",
        examples: ["Exists"],
      }),
    value: z
      .string()
      .optional()
      .meta({
        description: "Value of the taint, for operator Equal.",
        examples: ["tools"],
      }),
    effect: z
      .enum(["NoSchedule", "PreferNoSchedule", "NoExecute"])
      .optional()
      .meta({
        description: "Effect of the taint. Default: each of them.",
        examples: ["NoSchedule"],
      }),
    tolerationSeconds: z
      .int()
      .optional()
      .meta({
        description:
          "How long a pod stays on its node after a taint with effect NoExecute. Default: without limit.",
        examples: [300],
      }),
  })
  .refine(
    ({ key, operator }) => key !== undefined || operator === "Exists",
    'must have a key, or the operator "Exists" for every taint',
  )
  .refine(
    ({ operator, value = "" }) => operator !== "Exists" || value === "",
    'must have no value with the operator "Exists"',
  )
  .refine(
    ({ effect, tolerationSeconds }) => tolerationSeconds === undefined || effect === "NoExecute",
    'must have the effect "NoExecute" where it has tolerationSeconds',
  );

export const affinity = z.strictObject({
  nodeAffinity: patch.optional().meta({
    description: "Labels of nodes that pods run on, or prefer.",
    examples: [
      {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: "node-pool", operator: "In", values: ["mcp"] }] },
          ],
        },
      },
    ],
  }),
  podAffinity: patch.optional().meta({
    description: "Pods next to which they run.",
    examples: [
      {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { topologyKey: "kubernetes.io/hostname", labelSelector: { matchLabels: { app: "db" } } },
        ],
      },
    ],
  }),
  podAntiAffinity: patch.optional().meta({
    description: "Pods next to which they do not run.",
    examples: [
      {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { topologyKey: "kubernetes.io/hostname", labelSelector: { matchLabels: { app: "db" } } },
        ],
      },
    ],
  }),
});
