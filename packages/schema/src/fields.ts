import { isIP } from "node:net";

import { z } from "zod";

import { isCidr } from "./cidr";

/** A name Kubernetes accepts for a Service and for a namespace. */
export const dnsName = z
  .string()
  .regex(
    /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/,
    "must be 1 to 63 lower-case letters, digits and dashes, starting with a letter",
  )
  .meta({ examples: ["tools"] });

/** A name Kubernetes accepts for most other objects: a Secret, a ConfigMap, a claim. */
export const objectName = z
  .string()
  .max(253, "must have 253 characters at most")
  .regex(
    /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/,
    "must be lower-case letters, digits, dashes and dots, like app.config",
  )
  .meta({ examples: ["tools-login"] });

export const port = z
  .int("must be a whole number from 1 to 65535")
  .min(1, "must be a whole number from 1 to 65535")
  .max(65535, "must be a whole number from 1 to 65535")
  .meta({ examples: [8000] });

/**
 * A path as MCP clients use it. Many servers answer /mcp/ with a redirect to /mcp, or the other way round, and clients
 * break on it: the probe finds out which of the two a server serves.
 */
export const mcpPath = z
  .string()
  .regex(
    // Only characters of a URL path: clients append it to a host.
    /^(?:\/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*)+$/,
    "must start with a slash and hold nothing but a URL's path, like /mcp",
  )
  .meta({ examples: ["/mcp"] });

export const absolutePath = z
  .string()
  .regex(/^\/[^\s\p{Cc}]+$/u, "must be an absolute path")
  .meta({ examples: ["/data"] });

/** A path in the form in which two mounts are compared. In most images /run and /var/run are one directory. */
export function placeOf(path: string): string {
  return path.replace(/\/+$/, "").replace(/^\/run\//, "/var/run/");
}

/** Where a pod has the token of its service account. */
export const tokenPath = "/var/run/secrets/kubernetes.io/serviceaccount";

/** Where a server's code is mounted. */
export const codePath = "/app";

/** A path at which something can be mounted. */
export const mountPath = absolutePath
  .refine(
    (path) => !/:|\/(\.{1,2})?(\/|$)/.test(path.replace(/\/$/, "")),
    "must be a plain path: no colon in it, and no part that is empty or dots",
  )
  .refine(
    (path) => !`${placeOf(path)}/`.startsWith(`${tokenPath}/`),
    "is where a pod has its account's token; rights come with serviceAccount.rules",
  );

/** A key of a Secret or a ConfigMap. */
export const objectKey = z
  .string()
  .min(1, "must name a key")
  .max(253, "must have 253 characters at most")
  .regex(/^[-._a-zA-Z0-9]+$/, "must be letters, digits, dashes, dots and underscores")
  .refine((key) => key !== "." && !key.startsWith(".."), "must not be a dot, or begin with two")
  .meta({ examples: ["password"] });

/** An image as a container runtime takes it. */
export const image = z
  .string()
  .min(1)
  .regex(
    /^((\[[0-9a-fA-F:]+\]|[A-Za-z0-9][A-Za-z0-9.-]*)(:\d+)?\/)?[a-z0-9]+([._-]+[a-z0-9]+)*(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:\w[\w.-]{0,127})?(@[a-z0-9+._-]+:[0-9a-fA-F]+)?$/,
    "must be an image like registry.example.com/tools:1.2.3: lower-case names, no scheme, no spaces",
  )
  .meta({ examples: ["registry.example.com/tools:1.2.3"] });

/**
 * Text that YAML may have parsed as something else. Whole numbers and `true` are unambiguous; 1.10 loses its
 * zero, and a number of 20 digits loses digits.
 */
export const text = z
  .union([
    z.string().refine((value) => !value.includes("\0"), "must not hold the character NUL"),
    z.boolean(),
    z.number().refine((value) => Number.isSafeInteger(value), {
      error: ({ input }) =>
        `is the number ${String(input)} to YAML, which may not be what was written: put it in quotes`,
    }),
  ])
  .transform(String);

/** The name of an environment variable. */
export const variable = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "must be the name of an environment variable");

/** Variables of a process, as text. */
export const env = z.record(variable, text);

/** The name of a label, an annotation or a node label. */
export const labelKey = z
  .string()
  .max(317, "must have 317 characters at most")
  .regex(
    /^([a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*\/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/,
    "must be a name like tier or example.com/tier",
  );

export const labels = z.record(
  labelKey,
  z
    .string("must be text: put it in quotes")
    .regex(
      /^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/,
      "must be 63 letters, digits, dashes, dots and underscores at most",
    )
    .meta({ examples: ["tools"] }),
);

/** Annotations from the stack; those of this project are reserved, because commands rely on them. */
export const annotations = z.record(
  labelKey.refine((key) => !key.startsWith("mcp-fleet.dev/"), "must not be one of this program"),
  z.string("must be text: put it in quotes"),
);

/** Labels, at least one. */
export const someLabels = labels.refine(
  (value) => Object.keys(value).length > 0,
  "must name at least one label",
);

/** About 24 days: the longest timer in milliseconds. Kubernetes' own fields hold more. */
const maxSeconds = 2_147_483;
const tooLong = `must be ${maxSeconds} seconds at most`;

export const seconds = z
  .number()
  .positive("must be a number of seconds above 0")
  .max(maxSeconds, tooLong)
  .meta({ examples: [30] });

/** Seconds in a field of Kubernetes. */
export const wholeSeconds = z.int("must be a whole number of seconds").max(maxSeconds, tooLong);

/** User or group of a process. */
export const userId = z
  .int("must be a whole number")
  .positive("must be above 0: no server runs as root")
  .max(2_147_483_647, "must be 2147483647 at most");

export const replicas = z
  .int("must be a whole number")
  .min(0, "must be 0 at least")
  .max(100, "must be 100 at most")
  .meta({ examples: [2] });

/** An address range in CIDR notation. */
export const cidr = z
  .string()
  .superRefine((value, context) => {
    const message = cidrMistake(value);
    if (message !== undefined) context.addIssue({ code: "custom", message });
  })
  .meta({ examples: ["10.20.0.0/16"] });

function cidrMistake(range: string): string | undefined {
  const [address = "", mask, ...rest] = range.split("/");
  const family = isIP(address);
  const bits = family === 4 ? 32 : 128;
  if (family === 0 || rest.length > 0 || address.includes("%")) {
    return `"${range}" is no range of addresses: write it like 10.0.0.0/8`;
  }
  if (mask === undefined)
    return `"${range}" has no mask: write ${range}/${bits} for this one address`;
  if (!isCidr(range)) {
    return `"${range}" has an invalid prefix length: write a number from 0 to ${bits}`;
  }
  return undefined;
}

/** A name in PostgreSQL. */
export const identifier = z
  .string()
  .min(1)
  .max(63)
  .meta({ examples: ["mcp_servers"] });

/** How a database server's certificate is checked. */
export const tls = z.enum(["verify-full", "verify-ca", "disable"]);
