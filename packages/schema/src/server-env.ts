import { z } from "zod";

import { objectKey, objectName, text, variable } from "./fields";

const optional = z
  .boolean()
  .optional()
  .meta({
    description:
      "Whether the process starts without the variable where object or key is missing. Default false.",
    examples: [true],
  });
const key = objectKey.meta({
  description: "The key in it whose value is taken.",
  examples: ["password"],
});
/** A reference to a key of an object, as Kubernetes writes it. */
const keyRef = z.strictObject({
  name: objectName.meta({
    description: "Name of the object in the same namespace.",
    examples: ["tools-login"],
  }),
  key,
  optional,
});
const fieldPath = z
  .string()
  .regex(
    /^(metadata\.(name|namespace|uid)|metadata\.(labels|annotations)\['[^']+'\]|spec\.(nodeName|serviceAccountName)|status\.(hostIP|hostIPs|podIP|podIPs))$/,
    "must be a field that Kubernetes hands over, such as metadata.namespace or status.podIP",
  )
  .meta({
    description: "Field of the pod, as the Kubernetes API names it.",
    examples: ["metadata.namespace"],
  });
const resource = z
  .string()
  .regex(
    /^(requests|limits)\.(cpu|memory|ephemeral-storage)$/,
    "must be a resource of the container such as limits.memory",
  )
  .meta({
    description: "Request or limit of a container, as a number.",
    examples: ["limits.memory"],
  });
const container = z
  .string()
  .min(1)
  .optional()
  .meta({
    description: "Name of the container whose resource it is. Default: the container itself.",
    examples: ["mcp-server"],
  });
const divisor = text.optional().meta({
  description: "What is counted: 1Mi for MiB, 1m for thousandths of a CPU. Default 1.",
  examples: ["1Mi"],
});

const fromSecret = z.strictObject({
  secret: objectName.meta({
    description: "Name of a Secret that exists in the same namespace.",
    examples: ["tools-login"],
  }),
  key,
  optional,
});
const fromConfigMap = z.strictObject({
  configMap: objectName.meta({
    description: "Name of a ConfigMap that exists in the same namespace.",
    examples: ["tools-settings"],
  }),
  key,
  optional,
});
const fromField = z.strictObject({ field: fieldPath });
const fromResource = z.strictObject({ resource, container, divisor });

type Reference =
  | z.output<typeof fromSecret>
  | z.output<typeof fromConfigMap>
  | z.output<typeof fromField>
  | z.output<typeof fromResource>;

/** Kubernetes' own form, as it stands in a manifest. */
const valueFrom = z
  .strictObject({
    valueFrom: z
      .union([
        z.strictObject({
          secretKeyRef: keyRef.meta({
            description: "A key of a Secret that exists.",
            examples: [{ name: "tools-login", key: "password" }],
          }),
        }),
        z.strictObject({
          configMapKeyRef: keyRef.meta({
            description: "A key of a ConfigMap that exists.",
            examples: [{ name: "tools-settings", key: "mode" }],
          }),
        }),
        z.strictObject({
          fieldRef: z
            .strictObject({
              fieldPath,
              apiVersion: z
                .literal("v1")
                .optional()
                .meta({
                  description: "Version of the pod's fields; there is one.",
                  examples: ["v1"],
                }),
            })
            .meta({
              description: "A field of the pod.",
              examples: [{ fieldPath: "metadata.namespace" }],
            }),
        }),
        z.strictObject({
          resourceFieldRef: z.strictObject({ resource, containerName: container, divisor }).meta({
            description: "A request or limit of a container.",
            examples: [{ resource: "limits.memory", divisor: "1Mi" }],
          }),
        }),
      ])
      .meta({
        description: "Where the value comes from, in a manifest's form.",
        examples: [{ fieldRef: { fieldPath: "metadata.namespace" } }],
      }),
  })
  .transform(({ valueFrom: from }): Reference => {
    if ("secretKeyRef" in from) {
      const { name, ...rest } = from.secretKeyRef;
      return { secret: name, ...rest };
    }
    if ("configMapKeyRef" in from) {
      const { name, ...rest } = from.configMapKeyRef;
      return { configMap: name, ...rest };
    }
    if ("fieldRef" in from) return { field: from.fieldRef.fieldPath };
    const { containerName, ...rest } = from.resourceFieldRef;
    return { ...rest, ...(containerName === undefined ? {} : { container: containerName }) };
  });

/** One variable of a server: text, or where its value comes from. Text may contain `$(NAME)` of another variable. */
const envValue = z.union([text, fromSecret, fromConfigMap, fromField, fromResource, valueFrom]);

export const serverEnv = z.record(variable, envValue);

/** The value of a variable: text, or where it comes from. `$$(NAME)` is literal text. */
export type EnvValue = z.output<typeof envValue>;
