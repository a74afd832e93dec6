import { z } from "zod";

import { dnsName, image, objectName, someLabels } from "./fields";

/** The pod through which MCP clients start, stop and scale the servers. */
export const manager = z
  .strictObject({
    enabled: z.boolean().default(false),
    /** The image built from images/mcp-fleet. */
    image: image.optional(),
    /** Whether pods may be ended without their grace period. */
    forceStop: z.boolean().default(false),
    /** Whether a server may be brought to no replica, so whether it may be stopped at all. */
    scaleToZero: z.boolean().default(true),
    /** A Secret that exists and holds the bearer token; else one is made. */
    token: z
      .strictObject({ secret: objectName, key: z.string().min(1).default("token") })
      .optional(),
    /** Another text makes another token, or takes up the Secret's new one. */
    tokenVersion: z.string().min(1).default("1"),
    /** Pods that may call it; without namespace those of the servers' namespace. */
    clients: z
      .array(
        z.strictObject({ name: dnsName, labels: someLabels, namespace: someLabels.optional() }),
      )
      .default([]),
  })
  .refine((value) => !value.enabled || value.image !== undefined, {
    path: ["image"],
    message: "is needed where the manager is enabled: the image built from images/mcp-fleet",
  });
