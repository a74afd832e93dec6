import { Output } from "@pulumi/pulumi";

/** A deeply partial version of `T`; arrays are replaced as a whole. */
export type DeepPartial<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { [K in keyof T]?: DeepPartial<T[K]> }
    : T;

/**
 * Changes the arguments of a child before it is made: a function from old to new arguments, or an object
 * that is merged into them deeply.
 */
export type Transform<T> = ((args: T) => T) | DeepPartial<T>;

/** Applies `transform` to `args`. Neither is changed, and the result shares nothing with either. */
export function applyTransform<T extends object>(args: T, transform: Transform<T> | undefined): T {
  if (transform === undefined) return args;
  const changed =
    typeof transform === "function"
      ? (transform as (args: T) => T)(copy(args) as T)
      : merge(args, transform);
  return copy(changed) as T;
}

function merge(base: unknown, patch: unknown): unknown {
  if (!isPlain(base) || !isPlain(patch)) return patch === undefined ? base : patch;
  const merged = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(patch)) merged.set(key, merge(merged.get(key), value));
  return Object.fromEntries(merged);
}

/** What is checked has to be what is made: no getters, no inherited fields, nothing that a function still holds. */
function copy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copy);
  if (!isPlain(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, copy(inner)]));
}

/** Whether `value` is a bag of keys: an Output is a leaf, never something to merge into. */
function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return !Output.isInstance(value) && !(value instanceof Promise);
}
