import { isIP } from "node:net";

import { z } from "zod";

/** A name Kubernetes accepts for a Service and for a namespace. */
export const dnsName = z
  .string()
  .regex(
    /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/,
    "must be 1 to 63 lower-case letters, digits and dashes, starting with a letter",
  );

export const port = z
  .int("must be a whole number from 1 to 65535")
  .min(1, "must be a whole number from 1 to 65535")
  .max(65535, "must be a whole number from 1 to 65535");

/**
 * A path as MCP clients use it. Many servers answer /mcp/ with a redirect to /mcp, or the other way round, and clients
 * break on it: the probe finds out which of the two a server serves.
 */
export const mcpPath = z.string().regex(
  // What a URL's path may hold and nothing else: clients get it behind a host.
  /^(?:\/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*)+$/,
  "must start with a slash and hold nothing but a URL's path, like /mcp",
);

export const absolutePath = z.string().regex(/^\/[^\s]+$/, "must be an absolute path");

/** YAML writes 8000 and true where an environment wants "8000" and "true". */
export const env = z.record(
  z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "must be the name of an environment variable"),
  z.union([z.string(), z.number(), z.boolean()]).transform(String),
);

const reference = { key: z.string().min(1, "must name a key"), optional: z.boolean().optional() };

/** The same for a server, whose variables may also be keys of a Secret or ConfigMap that exists. */
export const serverEnv = z.record(
  env.keyType,
  z.union([
    env.valueType,
    z.strictObject({ secret: dnsName, ...reference }),
    z.strictObject({ configMap: dnsName, ...reference }),
  ]),
);

export const labels = z.record(z.string(), z.string());

const cpu = z.string().regex(/^\d+(\.\d+)?m?$/, 'must be a CPU quantity such as "250m"');
const memory = z
  .string()
  .regex(/^\d+(\.\d+)?(Ki|Mi|Gi|k|M|G)?$/, 'must be a memory quantity such as "256Mi"');
const amount = z.strictObject({ cpu: cpu.optional(), memory: memory.optional() });

export const resources = z.strictObject({
  requests: amount.optional(),
  limits: amount.optional(),
});

export const seconds = z.number().positive("must be a number of seconds above 0");

const times = z.strictObject({
  initialDelaySeconds: z.int().min(0).optional(),
  periodSeconds: z.int().min(1).optional(),
  timeoutSeconds: z.int().min(1).optional(),
  failureThreshold: z.int().min(1).optional(),
});

/** Timings of a server's probes; what is left out keeps its default. */
export const probes = z.strictObject({
  startup: times.optional(),
  readiness: times.optional(),
  liveness: times.optional(),
});

export const replicas = z.int("must be a whole number").min(0).max(100);

/** A range of addresses with its mask. */
export const cidr = z.string().superRefine((text, context) => {
  const message = cidrMistake(text);
  if (message !== undefined) context.addIssue({ code: "custom", message });
});

function cidrMistake(text: string): string | undefined {
  const [address = "", mask, ...rest] = text.split("/");
  const family = isIP(address);
  const bits = family === 4 ? 32 : 128;
  if (family === 0 || rest.length > 0) {
    return `"${text}" is no range of addresses: write it like 10.0.0.0/8`;
  }
  if (mask === undefined)
    return `"${text}" has no mask: write ${text}/${bits} for this one address`;
  if (!/^\d{1,3}$/.test(mask) || Number(mask) > bits) {
    return `"${text}" has a mask that is none: write a number from 0 to ${bits}`;
  }
  return undefined;
}

/** A name in PostgreSQL. */
export const identifier = z.string().min(1).max(63);

/** How a database server's certificate is checked. */
export const tls = z.enum(["verify-full", "verify-ca", "disable"]);
