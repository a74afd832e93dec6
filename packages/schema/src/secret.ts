import { z } from "zod";

import { dnsName, objectName, variable } from "./fields";

const duration = z
  .string()
  .regex(/^(\d+(ms|s|m|h))+$/, 'must be a duration such as "1h"')
  .meta({ examples: ["1h"] });

/** A Secret made by the External Secrets Operator. */
const external = z
  .strictObject({
    store: dnsName,
    storeKind: z.enum(["SecretStore", "ClusterSecretStore"]).default("ClusterSecretStore"),
    refreshInterval: duration.default("1h"),
    from: z.string().min(1).optional(),
    keys: z
      .record(variable, z.strictObject({ key: z.string().min(1), property: z.string().optional() }))
      .optional(),
  })
  .refine(
    (value) => value.from !== undefined || Object.keys(value.keys ?? {}).length > 0,
    "must name what to take: from (every property of an entry) or keys",
  );

const infisicalPlace = {
  environment: z.string().min(1),
  path: z
    .string()
    .regex(/^\//, "must start with a slash")
    .default("/")
    .meta({ examples: ["/tools"] }),
  recursive: z.boolean().optional(),
};

/** A Secret made by Infisical's operator out of an InfisicalStaticSecret (v1beta1). */
const infisicalStatic = z.strictObject({
  authRef: z.strictObject({ name: dnsName, namespace: dnsName.optional() }),
  projectId: z.string().min(1),
  ...infisicalPlace,
  refreshInterval: duration.default("1m"),
});

/** The same out of an InfisicalSecret (v1alpha1), which its publisher calls deprecated. */
const infisical = z.strictObject({
  project: z.string().min(1),
  ...infisicalPlace,
  hostApi: z.string().min(1).optional(),
  auth: z.union([
    z.strictObject({ credentialsSecret: objectName, namespace: dnsName.optional() }),
    z.strictObject({ identityId: z.string().min(1), serviceAccount: dnsName }),
  ]),
});

/** Where a server's Secret comes from when its values are not in the stack: its name, or who makes it. */
export const secret = z.union([
  objectName,
  z.strictObject({ external }),
  z.strictObject({ infisical: z.union([infisical, infisicalStatic]) }),
]);

/** Where a server's Secret comes from. */
export type SecretSource = z.output<typeof secret>;
