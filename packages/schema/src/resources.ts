import { z } from "zod";

const numberOr = (pattern: RegExp, message: string) =>
  z.union([z.number().nonnegative(), z.string().regex(pattern, message)]).transform(String);

/** Kubernetes quantities; `1` and `"1"` both mean one CPU. */
const cpu = numberOr(/^\d+(\.\d+)?m?$/, 'must be a CPU quantity such as "250m"');
const bytes = /^\d+(\.\d+)?(Ki|Mi|Gi|Ti|Pi|Ei|k|M|G|T|P|E)?$/;
/** Manifests also use plain numbers: 10737418240 is 10Gi. */
export const size = z
  .union([
    z.string().regex(bytes, 'must be an amount of bytes such as "256Mi"'),
    z.int().nonnegative(),
  ])
  .transform(String)
  .meta({ examples: ["1Gi"] });
const memory = numberOr(bytes, 'must be a memory quantity such as "256Mi"');
/** A resource of a device plugin: `nvidia.com/gpu`. */
const device = z
  .string()
  .regex(
    /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?\/[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/,
    "must be cpu, memory, ephemeral-storage or a device such as nvidia.com/gpu",
  );
const amount = z
  .object({
    cpu: cpu.optional().meta({
      description: "Time of a CPU: 1 is one CPU, 250m a quarter of it.",
      examples: ["250m"],
    }),
    memory: memory.optional().meta({
      description: "Memory in bytes, with a unit such as Mi or Gi.",
      examples: ["256Mi"],
    }),
    "ephemeral-storage": memory.optional().meta({
      description: "The node's own disk in bytes, for what the pod writes outside of claims.",
      examples: ["1Gi"],
    }),
  })
  .catchall(z.union([z.int().nonnegative(), z.string().regex(/^\d+$/)]).transform(String))
  .superRefine((value, context) => {
    for (const key of Object.keys(value)) {
      if (["cpu", "memory", "ephemeral-storage"].includes(key)) continue;
      const { error } = device.safeParse(key);
      if (error === undefined) continue;
      context.addIssue({
        code: "unrecognized_keys",
        keys: [key],
        message: error.issues[0]?.message ?? "",
      });
    }
  });

export const resources = z.strictObject({
  requests: amount.optional().meta({
    description: "What a node has to have free for it. Devices are named by their plugin.",
    examples: [{ cpu: "250m", memory: "256Mi" }],
  }),
  limits: amount.optional().meta({
    description: "What it gets at most: slowed down above its CPU, ended above its memory.",
    examples: [{ cpu: "1", memory: "512Mi", "nvidia.com/gpu": 1 }],
  }),
});
