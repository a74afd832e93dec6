import type { z } from "zod";

import { isObject } from "./own";
import type { Problem } from "./problems";
import { stackSchema, type StackSettings } from "./stack";

/** A configuration without its mistakes. */
export interface Remainder {
  readonly settings: StackSettings;
  /** Whether a problem in the remainder exists only because something was removed. */
  readonly isArtefact: (problem: Problem) => boolean;
}

/**
 * The configuration without the servers and keys that the schema rejects, so that the later checks can run in
 * the same pass. Undefined when nothing acceptable remains.
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
