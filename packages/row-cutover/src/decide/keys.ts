import type { RowKey } from "./spec";

/** A key as its values, one for each key column. */
export type KeyValues = readonly string[];

export function keyOf(key: RowKey): KeyValues {
  return typeof key === "string" ? [key] : key;
}

/** A key for a Map. */
export function keyId(key: KeyValues): string {
  return JSON.stringify(key);
}

/** A key for a message. */
export function keyName(key: KeyValues): string {
  return key.join("/");
}

/** Set of keys for membership tests. */
export function keySet(keys: readonly RowKey[]): ReadonlySet<string> {
  return new Set(keys.map((key) => keyId(keyOf(key))));
}

/** Joins the first twenty names, and says how many more there are. */
export function listed(
  names: readonly string[],
  separator = ", ",
  count: number = names.length,
): string {
  const more = count > 20 ? ` and ${count - 20} more` : "";
  return names.slice(0, 20).join(separator) + more;
}
