import { messageOf, UserError } from "@mcp-fleet/errors";
import { z } from "zod";

const schema = z.strictObject({
  namespace: z.string().min(1),
  application: z.string().min(1),
  /** Server key -> its Deployment or StatefulSet. */
  servers: z.record(z.string(), z.string()).default({}),
  /** `host:port`, or `postgresql://host:port` for a database that starts TLS on request. */
  certificates: z.array(z.string()).default([]),
  /** URL of the mesh registry. Absent without a mesh. */
  registry: z.url().optional(),
  port: z.int().min(1).max(65535).default(9464),
  intervalSeconds: z.number().positive().default(15),
});

/** The observer's configuration. */
export type ObserverConfig = z.infer<typeof schema>;

/** The configuration before defaults are applied. */
export type ObserverSettings = z.input<typeof schema>;

/**
 * Parses the configuration in OBSERVER_CONFIG.
 * @throws UserError naming the variable and every wrong key.
 */
export function parseConfig(text: string | undefined): ObserverConfig {
  const fix =
    "Set it to the JSON that the observer's Deployment has, or let the program deploy it.";
  let value: unknown;
  try {
    value = JSON.parse(text ?? "");
  } catch (error) {
    throw new UserError(`OBSERVER_CONFIG is not JSON: ${messageOf(error)}.`, fix);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues.map((one) => `${one.path.join(".")} ${one.message}`);
  throw new UserError(`OBSERVER_CONFIG is wrong: ${wrong.join("; ")}.`, fix);
}
