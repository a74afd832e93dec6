import { isDeepStrictEqual } from "node:util";

import type { PodProblem } from "./pod-security";

export type Fields = Readonly<Record<string, unknown>>;

/** Fields that must not change. An Output never equals another one. */
export function unchanged(paths: readonly string[], after: Fields, before: Fields): PodProblem[] {
  return paths.flatMap((field) => {
    const was = valueAt(before, field);
    if (same(valueAt(after, field), was)) return [];
    const shown = typeof was === "string" || typeof was === "boolean" ? `"${was}"` : "as it was";
    return [{ field, allowed: was === undefined ? "left out" : shown }];
  });
}

/** Annotations of this program must not change, because commands and policies rely on them. */
export function ownAnnotations(at: string, after: unknown, before: unknown): PodProblem[] {
  const own = (of: unknown): Fields => (valueAt(of, at) ?? {}) as Fields;
  const [now, was] = [own(after), own(before)];
  return [...new Set([...Object.keys(now), ...Object.keys(was)])]
    .filter((key) => key.startsWith("mcp-fleet.dev/") && !same(now[key], was[key]))
    .map((key) => ({ field: `${at}.${key}`, allowed: "as it was" }));
}

export function same(value: unknown, was: unknown): boolean {
  return value === was || isDeepStrictEqual(value ?? undefined, was ?? undefined);
}

export function valueAt(object: unknown, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>(
      (inner, key) =>
        typeof inner === "object" && inner !== null ? (inner as Fields)[key] : undefined,
      object,
    );
}

/** A list of objects; anything else, also an unknown value, counts as empty. */
export function listAt(object: unknown, path: string): Fields[] {
  const found = valueAt(object, path);
  return Array.isArray(found)
    ? (found as unknown[]).filter((one): one is Fields => typeof one === "object" && one !== null)
    : [];
}
