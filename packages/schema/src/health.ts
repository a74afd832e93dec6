import { z } from "zod";

import { absolutePath, wholeSeconds } from "./fields";

const times = z.strictObject({
  initialDelaySeconds: wholeSeconds.min(0).optional(),
  periodSeconds: wholeSeconds.min(1).optional(),
  timeoutSeconds: wholeSeconds.min(1).optional(),
  failureThreshold: z.int().min(1).max(1_000_000).optional(),
});

const httpPath = absolutePath.meta({ examples: ["/healthz"] });

/** Timings of a server's probes; what is left out keeps its default. */
export const probes = z.strictObject({
  startup: times.optional(),
  readiness: times.optional(),
  liveness: times.optional(),
});

/** How the kubelet asks whether the process lives. Never `GET` on the MCP path: it answers 405 and leaks sessions. */
export const health = z.union([
  z.literal("tcp"),
  httpPath,
  z.strictObject({
    /** Path of the liveness probe, and of the others unless they have their own. */
    path: httpPath,
    startup: httpPath.optional(),
    readiness: httpPath.optional(),
    https: z.boolean().optional(),
  }),
  z.strictObject({ exec: z.array(z.string().min(1)).min(1, "must name a command") }),
]);

export type Health = z.output<typeof health>;
export type Probes = z.output<typeof probes>;
export type ProbeTimes = z.output<typeof times>;
