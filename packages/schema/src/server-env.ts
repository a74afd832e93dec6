import { z } from "zod";

import { objectKey, objectName, text, variable } from "./fields";

const optional = z.boolean().optional();
const key = objectKey;
const fieldPath = z
  .string()
  .regex(
    /^(metadata\.(name|namespace|uid)|metadata\.(labels|annotations)\['[^']+'\]|spec\.(nodeName|serviceAccountName)|status\.(hostIP|hostIPs|podIP|podIPs))$/,
    "must be a field that Kubernetes hands over, such as metadata.namespace or status.podIP",
  );
const resource = z
  .string()
  .regex(
    /^(requests|limits)\.(cpu|memory|ephemeral-storage)$/,
    "must be a resource of the container such as limits.memory",
  );

const fromSecret = z.strictObject({ secret: objectName, key, optional });
const fromConfigMap = z.strictObject({ configMap: objectName, key, optional });
const fromField = z.strictObject({ field: fieldPath });
const fromResource = z.strictObject({
  resource,
  container: z.string().min(1).optional(),
  divisor: text.optional(),
});

type Reference =
  | z.output<typeof fromSecret>
  | z.output<typeof fromConfigMap>
  | z.output<typeof fromField>
  | z.output<typeof fromResource>;

/** Kubernetes' own form, as it stands in a manifest. */
const valueFrom = z
  .strictObject({
    valueFrom: z.union([
      z.strictObject({ secretKeyRef: z.strictObject({ name: objectName, key, optional }) }),
      z.strictObject({ configMapKeyRef: z.strictObject({ name: objectName, key, optional }) }),
      z.strictObject({
        fieldRef: z.strictObject({ fieldPath, apiVersion: z.literal("v1").optional() }),
      }),
      z.strictObject({
        resourceFieldRef: z.strictObject({
          resource,
          containerName: z.string().min(1).optional(),
          divisor: text.optional(),
        }),
      }),
    ]),
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

/** One variable of a server: text, or where its value is. Text may hold `$(NAME)` of another variable. */
export const envValue = z.union([
  text,
  fromSecret,
  fromConfigMap,
  fromField,
  fromResource,
  valueFrom,
]);

export const serverEnv = z.record(variable, envValue);

/** The value of a variable: text, or where it comes from. `$$(NAME)` is the text itself. */
export type EnvValue = z.output<typeof envValue>;
