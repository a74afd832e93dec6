import { z } from "zod";

import { absolutePath, wholeSeconds } from "./fields";

const times = z.strictObject({
  initialDelaySeconds: wholeSeconds
    .min(0)
    .optional()
    .meta({
      description: "Seconds from the container's start to the first probe. Default 0.",
      examples: [5],
    }),
  periodSeconds: wholeSeconds
    .min(1)
    .optional()
    .meta({
      description: "From one question to the next, in seconds.",
      examples: [10],
    }),
  timeoutSeconds: wholeSeconds
    .min(1)
    .optional()
    .meta({
      description: "How long an answer may take, in seconds.",
      examples: [5],
    }),
  failureThreshold: z
    .int()
    .min(1)
    .max(1_000_000)
    .optional()
    .meta({
      description: "After how many failures in a row it counts as failed.",
      examples: [6],
    }),
});

const httpPath = absolutePath.meta({ examples: ["/healthz"] });

/** Timings of a server's probes. Omitted ones keep their default. */
export const probes = z.strictObject({
  startup: times.optional().meta({
    description:
      "Until its first answer; a container that fails is started again. Default: every 2 seconds, 3 seconds for an answer, as often as fits into startSeconds.",
    examples: [{ periodSeconds: 5 }],
  }),
  readiness: times.optional().meta({
    description:
      "Whether its Service sends it requests. Default: every 5 seconds, 3 seconds for an answer, 2 failures.",
    examples: [{ periodSeconds: 10 }],
  }),
  liveness: times.optional().meta({
    description:
      "Whether it still works; one that fails is started again. Default: every 10 seconds, 5 seconds for an answer, 3 failures.",
    examples: [{ failureThreshold: 6 }],
  }),
});

/** How the kubelet checks liveness. Never by `GET` on the MCP path: it answers 405 and leaks sessions. */
export const health = z.union([
  z.literal("tcp"),
  httpPath,
  z.strictObject({
    path: httpPath.meta({
      description: "Path of the liveness probe, and of the others unless they have their own.",
      examples: ["/healthz"],
    }),
    startup: httpPath.optional().meta({
      description: "Path of the startup probe. Default: as path.",
      examples: ["/started"],
    }),
    readiness: httpPath.optional().meta({
      description: "Path of the readiness probe. Default: as path.",
      examples: ["/readyz"],
    }),
    https: z
      .boolean()
      .optional()
      .meta({
        description:
          "Whether to use HTTPS; the certificate is not verified. Default: where tls is set.",
        examples: [true],
      }),
  }),
  z.strictObject({
    exec: z
      .array(z.string().min(1))
      .min(1, "must name a command")
      .meta({
        description: "A command in its container that ends with 0 while it works.",
        examples: [["pgrep", "-f", "tools-mcp"]],
      }),
  }),
]);

export type Health = z.output<typeof health>;
export type Probes = z.output<typeof probes>;
export type ProbeTimes = z.output<typeof times>;
