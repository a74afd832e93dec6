/** The value of a key that may be any word: `constructor` is in every object, and in none of them here. */
export function ownValue<T>(of: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(of, key) ? of[key] : undefined;
}

/** Whether a value is a map of keys: neither a list nor nothing. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
