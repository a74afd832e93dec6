import { z } from "zod";

import { mountPath, objectName } from "./fields";
import { size } from "./resources";

const kindsOfVolume = ["claim", "claimTemplate", "configMap", "secret", "emptyDir"] as const;

/** A claim must be writable: nothing could ever fill a ReadOnlyMany one. */
const accessMode = z.enum(["ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany"]);

/** A claim that each pod gets for itself. It makes the server a StatefulSet. */
const claimTemplate = z.strictObject({
  size: size
    .refine((amount) => Number.parseFloat(amount) > 0, "must be above 0")
    .meta({ description: "The size of each claim, in bytes.", examples: ["10Gi"] }),
  storageClass: objectName.optional().meta({
    description: "Name of a StorageClass. Default: the cluster's.",
    examples: ["fast"],
  }),
  accessModes: z
    .array(accessMode)
    .min(1, "must name a mode")
    .refine((modes) => new Set(modes).size === modes.length, "must name each mode once")
    .refine(
      (modes) => modes.length === 1 || !modes.includes("ReadWriteOncePod"),
      "must have ReadWriteOncePod alone",
    )
    .default(["ReadWriteOnce"])
    .meta({
      description: "Who may mount it: the pods of one node, one pod, or those of every node.",
      examples: [["ReadWriteOnce"]],
    }),
});

/** A volume of the pod: exactly one kind of storage. */
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
    claimTemplate: claimTemplate.optional().meta({
      description:
        "A claim of its own for each pod, named <volume>-<server>-<number>. It makes the server a StatefulSet, and remains when pods or server are removed.",
      examples: [{ size: "10Gi", storageClass: "fast" }],
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
        description: "An empty directory with the pod's lifetime.",
        examples: [{ sizeLimit: "1Gi", memory: true }],
      }),
  })
  .refine(
    (value) => kindsOfVolume.filter((kind) => value[kind] !== undefined).length === 1,
    `must have exactly one of ${kindsOfVolume.join(", ")}`,
  )
  .refine(
    ({ claimTemplate: own, readOnly }) => own === undefined || readOnly !== true,
    "must not be readOnly with a claimTemplate: a new claim is empty",
  );

/** Storage of a server's pod. */
export type ServerVolume = z.output<typeof volume>;
