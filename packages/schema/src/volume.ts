import { z } from "zod";

import { mountPath, objectName, size } from "./fields";

const kindsOfVolume = ["claim", "configMap", "secret", "emptyDir"] as const;

/** Storage that the pod brings: exactly one kind of it. */
export const volume = z
  .strictObject({
    mount: mountPath.optional().meta({
      description: "Where the server has it. Default: nowhere; another container may mount it.",
      examples: ["/data"],
    }),
    readOnly: z
      .boolean()
      .optional()
      .meta({ description: "Whether nothing writes to it. Default false.", examples: [true] }),
    subPath: z
      .string()
      .regex(/^[^/]/, "must be a path within the volume")
      .refine((path) => !path.split("/").includes(".."), "must not lead out of the volume")
      .optional()
      .meta({
        description:
          "What of it is mounted in the server: a directory or file. Default: all of it.",
        examples: ["tools"],
      }),
    claim: objectName.optional().meta({
      description: "Name of a PersistentVolumeClaim that exists in its namespace.",
      examples: ["tools-data"],
    }),
    configMap: objectName.optional().meta({
      description: "Name of a ConfigMap that exists in its namespace; each key is a file.",
      examples: ["tools-settings"],
    }),
    secret: objectName.optional().meta({
      description: "Name of a Secret that exists in its namespace; each key is a file.",
      examples: ["tools-login"],
    }),
    emptyDir: z
      .strictObject({
        sizeLimit: size.optional().meta({
          description:
            "How much fits into it, in bytes; a pod above it is ended. Default: no limit.",
          examples: ["1Gi"],
        }),
        memory: z
          .boolean()
          .optional()
          .meta({
            description: "Whether it is in memory, which counts as the pod's. Default false.",
            examples: [true],
          }),
      })
      .optional()
      .meta({
        description: "An empty directory that goes with the pod.",
        examples: [{ sizeLimit: "1Gi", memory: true }],
      }),
  })
  .refine(
    (value) => kindsOfVolume.filter((kind) => value[kind] !== undefined).length === 1,
    `must have exactly one of ${kindsOfVolume.join(", ")}`,
  );

/** Storage of a server's pod. */
export type ServerVolume = z.output<typeof volume>;
