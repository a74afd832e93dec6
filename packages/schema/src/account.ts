import { z } from "zod";

import { labels, objectName } from "./fields";

const rule = z.strictObject({
  apiGroups: z
    .array(z.string())
    .default([""])
    .meta({
      description: 'API groups of the resources; "" is the core group.',
      examples: [["", "apps"]],
    }),
  resources: z
    .array(z.string().min(1))
    .min(1)
    .meta({
      description: "Resources in the plural, as the API names them.",
      examples: [["pods", "pods/log"]],
    }),
  resourceNames: z
    .array(z.string().min(1))
    .optional()
    .meta({
      description: "Names of the objects that it may use. Default: each of them.",
      examples: [["tools-settings"]],
    }),
  verbs: z
    .array(z.string().min(1))
    .min(1)
    .meta({ description: "What it may do with them.", examples: [["get", "list"]] }),
});

/** A ServiceAccount that exists, or rights for the one that is made here. */
export const account = z.union([
  objectName,
  z.strictObject({
    annotations: labels.optional().meta({
      description: "Annotations of the account, such as the cloud's account that it stands for.",
      examples: [
        { "iam.gke.io/gcp-service-account": "tools@example-project.iam.gserviceaccount.com" },
      ],
    }),
    rules: z
      .array(rule)
      .min(1, "must name a right, or be left out")
      .optional()
      .meta({
        description: "Rules of a Role in its namespace; with them its pods have a token.",
        examples: [[{ resources: ["pods", "pods/log"], verbs: ["get", "list"] }]],
      }),
  }),
]);
