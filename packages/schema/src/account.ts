import { z } from "zod";

import { annotations, objectName } from "./fields";

const apiGroup = z
  .string()
  .regex(/^([a-z0-9]([a-z0-9.-]*[a-z0-9])?)?$/, "must be an API group in full, like apps");
const kindOfObject = z
  .string()
  .regex(
    /^[a-z0-9.-]+(\/[a-z]+)?$/,
    "must be a resource like pods or pods/log; not all of them (*)",
  )
  .meta({ examples: ["pods"] });
/** Verbs that let an account gain every right that anybody has in the namespace; the same goes for `*`. */
const verb = z
  .string()
  .regex(/^[a-z]+$/, "must be a verb like get; not all of them (*)")
  .refine(
    (name) => !["escalate", "bind", "impersonate"].includes(name),
    "must not be escalate, bind or impersonate: they give every right that somebody has",
  )
  .meta({ examples: ["get"] });

const rule = z.strictObject({
  apiGroups: z
    .array(apiGroup)
    .default([""])
    .meta({
      description: 'API groups of the resources; "" is the core group.',
      examples: [["", "apps"]],
    }),
  resources: z
    .array(kindOfObject)
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
    .array(verb)
    .min(1)
    .meta({ description: "What it may do with them.", examples: [["get", "list"]] }),
});

/** An existing ServiceAccount, or rights for the one that is created here. */
export const account = z.union([
  objectName.refine(
    (name) => name !== "default",
    "must be an account of its own: any pod of the namespace may run as its default one",
  ),
  z.strictObject({
    annotations: annotations.optional().meta({
      description: "Annotations of the account, such as the cloud account that it represents.",
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
