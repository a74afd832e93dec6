import { z } from "zod";

import { dnsName, objectName, variable } from "./fields";

const duration = z
  .string()
  .regex(/^(\d+(ms|s|m|h))+$/, 'must be a duration such as "1h"')
  .meta({ examples: ["1h"] });

/** A Secret that the External Secrets Operator creates. */
const external = z
  .strictObject({
    store: dnsName.meta({
      description: "Name of the SecretStore or ClusterSecretStore.",
      examples: ["vault"],
    }),
    storeKind: z
      .enum(["SecretStore", "ClusterSecretStore"])
      .default("ClusterSecretStore")
      .meta({
        description: "Whether the store is one of the server's namespace or of the cluster.",
        examples: ["SecretStore"],
      }),
    refreshInterval: duration
      .default("1h")
      .meta({ description: "How often the operator reads the store.", examples: ["15m"] }),
    from: z
      .string()
      .min(1)
      .optional()
      .meta({
        description: "An entry of the store of which every property becomes a variable.",
        examples: ["mcp/github"],
      }),
    keys: z
      .record(
        variable,
        z.strictObject({
          key: z
            .string()
            .min(1)
            .meta({ description: "Name of the entry in the store.", examples: ["mcp/github"] }),
          property: z
            .string()
            .optional()
            .meta({
              description: "Property of the entry. Default: the entry as a whole.",
              examples: ["token"],
            }),
        }),
      )
      .optional()
      .meta({
        description: "Variables by name, each with the entry of the store that it comes from.",
        examples: [{ GITHUB_PERSONAL_ACCESS_TOKEN: { key: "mcp/github", property: "token" } }],
      }),
  })
  .refine(
    (value) => value.from !== undefined || Object.keys(value.keys ?? {}).length > 0,
    "must name what to take: from (every property of an entry) or keys",
  );

const infisicalPlace = {
  environment: z
    .string()
    .min(1)
    .meta({ description: "Slug of the environment in Infisical.", examples: ["prod"] }),
  path: z
    .string()
    .regex(/^\//, "must start with a slash")
    .default("/")
    .meta({ description: "Folder of the secrets in Infisical.", examples: ["/tools"] }),
  recursive: z
    .boolean()
    .optional()
    .meta({
      description: "Whether secrets of the folders in it are taken too. Default: the operator's.",
      examples: [true],
    }),
};

/** A Secret that Infisical's operator creates from an InfisicalStaticSecret (v1beta1). */
const infisicalStatic = z.strictObject({
  authRef: z
    .strictObject({
      name: dnsName.meta({
        description: "Name of the InfisicalAuth object.",
        examples: ["infisical"],
      }),
      namespace: dnsName.optional().meta({
        description: "Its namespace. Default: the server's.",
        examples: ["infisical"],
      }),
    })
    .meta({
      description:
        "The object by which Infisical's operator logs in; with it an InfisicalStaticSecret (v1beta1) is made.",
      examples: [{ name: "infisical", namespace: "infisical" }],
    }),
  projectId: z
    .string()
    .min(1)
    .meta({
      description: "Id of the project in Infisical.",
      examples: ["0f6a2c1e-7d0b-4c5e-9a35-1f2f6a0c9b11"],
    }),
  ...infisicalPlace,
  refreshInterval: duration
    .default("1m")
    .meta({ description: "How often the operator reads Infisical.", examples: ["5m"] }),
});

/** The same from an InfisicalSecret (v1alpha1), which its publisher has deprecated. */
const infisical = z.strictObject({
  project: z
    .string()
    .min(1)
    .meta({ description: "Slug of the project in Infisical.", examples: ["ai-platform"] }),
  ...infisicalPlace,
  hostApi: z
    .string()
    .min(1)
    .optional()
    .meta({
      description: "Address of Infisical's API. Default: the operator's.",
      examples: ["https://infisical.example.com/api"],
    }),
  auth: z
    .union([
      z.strictObject({
        credentialsSecret: objectName.meta({
          description: "A Secret with clientId and clientSecret of a machine identity.",
          examples: ["infisical-machine-identity"],
        }),
        namespace: dnsName.optional().meta({
          description: "Its namespace. Default: the server's.",
          examples: ["infisical"],
        }),
      }),
      z.strictObject({
        identityId: z
          .string()
          .min(1)
          .meta({
            description: "Id of a machine identity that takes Kubernetes accounts.",
            examples: ["6b1f0d6e-3a44-4f0a-8c55-2d5f0f3f7a10"],
          }),
        serviceAccount: dnsName.meta({
          description: "Account in the server's namespace whose token the operator shows.",
          examples: ["infisical-reader"],
        }),
      }),
    ])
    .meta({
      description:
        "How Infisical's operator logs in: as a machine identity, or with a Kubernetes account.",
      examples: [{ credentialsSecret: "infisical-machine-identity" }],
    }),
});

/** Where a server's Secret comes from when its values are not in the stack: its name, or who creates it. */
export const secret = z.union([
  objectName,
  z.strictObject({
    external: external.meta({
      description: "The External Secrets Operator creates it from a store.",
      examples: [{ store: "vault", from: "mcp/github" }],
    }),
  }),
  z.strictObject({
    infisical: z.union([infisical, infisicalStatic]).meta({
      description:
        "Infisical's operator creates it: with authRef from an InfisicalStaticSecret, else from an InfisicalSecret.",
      examples: [
        {
          authRef: { name: "infisical" },
          projectId: "0f6a2c1e-7d0b-4c5e-9a35-1f2f6a0c9b11",
          environment: "prod",
        },
      ],
    }),
  }),
]);

/** Where a server's Secret comes from. */
export type SecretSource = z.output<typeof secret>;
