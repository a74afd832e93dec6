/**
 * Property values between engine and plugin: JSON in which a secret is an object with a signature key, and an
 * unknown value is a fixed string.
 */
export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";

/** The value of everything that only an update can know. */
export const unknownValue = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSecret(value: Json): value is JsonObject {
  return isObject(value) && value[signatureKey] === secretSignature;
}

export function secret(value: Json): JsonObject {
  return { [signatureKey]: secretSignature, value };
}

/** The same value with secrets in plain text. */
function reveal(value: Json): Json {
  if (Array.isArray(value)) return value.map(reveal);
  if (!isObject(value)) return value;
  return isSecret(value) ? reveal(value.value ?? null) : revealObject(value);
}

export function revealObject(value: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, reveal(item)]));
}

/** Whether the test is true for a value or for anything inside of it. */
function some(value: Json, test: (node: Json) => boolean): boolean {
  if (test(value)) return true;
  if (Array.isArray(value)) return value.some((item) => some(item, test));
  return isObject(value) && Object.values(value).some((item) => some(item, test));
}

export const hasUnknown = (value: Json): boolean => some(value, (node) => node === unknownValue);

/** The keys of an object with a secret value. */
export function secretKeys(value: JsonObject): string[] {
  return Object.keys(value).filter((key) => some(value[key] ?? null, isSecret));
}

/** Deep equality of plain values, independent of the order of keys. */
export function sameValue(a: Json, b: Json): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  const keys = Object.keys(value).sort();
  return Object.fromEntries(keys.map((key) => [key, sorted(value[key] ?? null)]));
}

/** The text at a key, or undefined. */
export function textAt(value: JsonObject | undefined, key: string): string | undefined {
  const found = value?.[key];
  return typeof found === "string" ? found : undefined;
}

/** The texts of the list at a key. */
export function textsAt(value: JsonObject | undefined, key: string): string[] {
  const found = value?.[key];
  return Array.isArray(found) ? found.map(String) : [];
}
