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
