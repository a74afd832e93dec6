import { z } from "zod";

import { dnsName, image, objectName, someLabels } from "./fields";

/** The pod through which MCP clients start, stop and scale the servers. */
export const manager = z
  .strictObject({
    enabled: z
      .boolean()
      .default(false)
      .meta({ description: "Whether the pod is created.", examples: [true] }),
    image: image.optional().meta({
      description: "The image built from images/mcp-fleet. Needed where it is enabled.",
      examples: ["registry.example.com/mcp-fleet:0.1.0"],
    }),
    forceStop: z
      .boolean()
      .default(false)
      .meta({
        description:
          "Whether pods may be ended without their grace period. Its account may delete every pod of the namespace then.",
        examples: [false],
      }),
    scaleToZero: z
      .boolean()
      .default(true)
      .meta({
        description: "Whether a server may be brought to no replica, so whether it may be stopped.",
        examples: [false],
      }),
    token: z
      .strictObject({
        secret: objectName.meta({
          description: "Name of the Secret, in the servers' namespace.",
          examples: ["manager-token"],
        }),
        key: z
          .string()
          .min(1)
          .default("token")
          .meta({ description: "The key in it that holds the token.", examples: ["token"] }),
      })
      .optional()
      .meta({
        description: "A Secret that exists and holds the bearer token. Default: one is made.",
        examples: [{ secret: "manager-token" }],
      }),
    tokenVersion: z
      .string()
      .min(1)
      .default("1")
      .meta({
        description: "A new value creates a new token, or picks up the Secret's new one.",
        examples: ["after-the-audit"],
      }),
    clients: z
      .array(
        z.strictObject({
          name: dnsName.meta({
            description: "Tells its NetworkPolicy from the others'.",
            examples: ["caretaker"],
          }),
          labels: someLabels.meta({
            description: "Labels of the pods.",
            examples: [{ "app.kubernetes.io/component": "caretaker" }],
          }),
          namespace: someLabels.optional().meta({
            description: "Labels of the pods' namespace. Default: the servers' own namespace.",
            examples: [{ "kubernetes.io/metadata.name": "operations" }],
          }),
        }),
      )
      .default([])
      .meta({
        description:
          "Pods that may call it. Default: none; kubectl port-forward works all the same.",
        examples: [[{ name: "caretaker", labels: { "app.kubernetes.io/component": "caretaker" } }]],
      }),
  })
  .refine((value) => !value.enabled || value.image !== undefined, {
    path: ["image"],
    message: "is needed where the manager is enabled: the image built from images/mcp-fleet",
  });
