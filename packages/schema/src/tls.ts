import { z } from "zod";

import { objectKey, objectName } from "./fields";

const key = objectKey.default("ca.crt").meta({
  description: "The key in it with the authority's certificates, in PEM.",
  examples: ["ca.crt"],
});

/** Where an authority's certificates are stored. */
export const authority = z.union([
  z.strictObject({
    configMap: objectName.meta({
      description: "Name of a ConfigMap that exists in the same namespace.",
      examples: ["corp-ca"],
    }),
    key,
  }),
  z.strictObject({
    secret: objectName.meta({
      description: "Name of a Secret that exists in the same namespace.",
      examples: ["tools-tls"],
    }),
    key,
  }),
]);

/** What clients must know about a server that serves TLS itself. */
export const tls = z.strictObject({
  ca: authority.optional().meta({
    description:
      "The authority that signed its certificate, from a ConfigMap or a Secret. The probe trusts it for this server alone, and Studio by studio.trust. Default: a public one.",
    examples: [{ configMap: "corp-ca", key: "ca.crt" }],
  }),
});

/** A key of a ConfigMap or a Secret with an authority's certificates. */
export type Authority = z.output<typeof authority>;
