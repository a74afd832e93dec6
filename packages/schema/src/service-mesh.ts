import { z } from "zod";

import { dnsName, seconds } from "./fields";

const attempts = z.int().min(0);
const consecutiveErrors = z.int().min(1);

const attemptsMeta = {
  description:
    "How often a call that never reached the pod is tried again; with Istio only. Linkerd has a budget for GET.",
  examples: [2],
};
const perTryMeta = {
  description: "How long one attempt may take, in seconds; with Linkerd, how long a GET may.",
  examples: [10],
};
const errorsMeta = {
  description: "How many answers with a 5xx status in a row take a pod out.",
  examples: [5],
};
const intervalMeta = { description: "How often pods are looked at, in seconds.", examples: [10] };
const ejectionMeta = {
  description: "How long a pod is left out at first, in seconds.",
  examples: [30],
};

/** Overrides for one service. Each part replaces the mesh's own as a whole. */
const serviceTraffic = z.strictObject({
  timeoutSeconds: seconds.optional().meta({
    description: "How long a call may take, in seconds. Default: as serviceMesh.timeoutSeconds.",
    examples: [120],
  }),
  retries: z
    .strictObject({
      attempts: attempts.meta(attemptsMeta),
      perTrySeconds: seconds.meta(perTryMeta),
    })
    .optional()
    .meta({
      description: "How its calls are tried again. Default: as serviceMesh.retries.",
      examples: [{ attempts: 0, perTrySeconds: 120 }],
    }),
  outlier: z
    .strictObject({
      consecutiveErrors: consecutiveErrors.meta(errorsMeta),
      intervalSeconds: seconds.meta(intervalMeta),
      ejectionSeconds: seconds.meta(ejectionMeta),
    })
    .optional()
    .meta({
      description: "When a pod of it is left out. Default: as serviceMesh.outlier.",
      examples: [{ consecutiveErrors: 3, intervalSeconds: 10, ejectionSeconds: 60 }],
    }),
});

/** The configuration of the cluster's service mesh. The defaults suit tool calls of up to half a minute. */
export const serviceMesh = z.strictObject({
  kind: z
    .enum(["istio", "linkerd"])
    .meta({ description: "Which service mesh the cluster runs.", examples: ["istio"] }),
  inject: z
    .boolean()
    .default(true)
    .meta({
      description:
        "Whether pods ask for its proxy; false where their namespace does, or there is none (ambient mode).",
      examples: [false],
    }),
  controlPlaneNamespace: dnsName.optional().meta({
    description:
      "Where its control plane is, which proxies call. Default: istio-system or linkerd.",
    examples: ["istio-system"],
  }),
  timeoutSeconds: seconds
    .default(30)
    .meta({ description: "How long a call of a tool may take, in seconds.", examples: [60] }),
  retries: z
    .strictObject({
      attempts: attempts.default(2).meta(attemptsMeta),
      perTrySeconds: seconds.default(10).meta(perTryMeta),
    })
    .prefault({})
    .meta({
      description: "How calls are tried again that never reached an agent.",
      examples: [{ attempts: 2, perTrySeconds: 10 }],
    }),
  outlier: z
    .strictObject({
      consecutiveErrors: consecutiveErrors.default(5).meta(errorsMeta),
      intervalSeconds: seconds.default(10).meta(intervalMeta),
      ejectionSeconds: seconds.default(30).meta(ejectionMeta),
    })
    .prefault({})
    .meta({
      description: "When a pod that fails is left out for a while; with Istio only.",
      examples: [{ consecutiveErrors: 5, intervalSeconds: 10, ejectionSeconds: 30 }],
    }),
  services: z
    .record(dnsName, serviceTraffic)
    .default({})
    .meta({
      description: "What is otherwise for one of them, by agent or the registry's name.",
      examples: [
        { greeter: { timeoutSeconds: 120, retries: { attempts: 0, perTrySeconds: 120 } } },
      ],
    }),
});
