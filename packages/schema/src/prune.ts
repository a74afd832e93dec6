import type { z } from "zod";

import { isObject } from "./own";
import type { Problem } from "./problems";
import { stackSchema, type StackSettings } from "./stack";

/** What is left of a configuration whose mistakes are taken out. */
export interface Remainder {
  readonly settings: StackSettings;
  /** Whether a problem found in the remainder is only there because something was taken out. */
  readonly isArtefact: (problem: Problem) => boolean;
}

/**
 * The configuration without the servers and keys that the schema refused, so that the checks behind the schema can be
 * made in the same run. Undefined when nothing is left that the schema takes.
 */
export function remainderOf(
  values: Readonly<Record<string, unknown>>,
  error: z.ZodError,
): Remainder | undefined {
  const servers = { ...(isObject(values.servers) ? values.servers : {}) };
  const rest: Record<string, unknown> = { ...values, servers };
  const taken = new Set<string>();
  for (const { path, ...issue } of error.issues) {
    const [key, server] = path.map(String);
    if (key === undefined) {
      const unknown = issue.code === "unrecognized_keys" ? issue.keys : [];
      unknown.forEach((name) => Reflect.deleteProperty(rest, name));
    } else if (key === "servers" && server !== undefined) {
      Reflect.deleteProperty(servers, server);
      taken.add(`servers.${server}`).add(`serverSecrets.${server}`);
    } else {
      Reflect.deleteProperty(rest, key);
      taken.add(key);
    }
  }
  const parsed = stackSchema.safeParse({ namespace: "unknown", ...rest });
  if (!parsed.success) return undefined;
  const isArtefact = ({ path }: Problem): boolean =>
    [...taken].some((place) => path === place || path.startsWith(`${place}.`));
  return { settings: parsed.data, isArtefact };
}
