/**
 * Values as they travel between a Pulumi program and its monitor: JSON in which secrets are wrapped in an object
 * with a signature key and values that are not known yet are a fixed string.
 */
export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
const resourceSignature = "5cf8f73096256a8f31e491e813e4eb8e";

/** Stands for a value that only an `up` can tell. */
export const unknownValue = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isSecret(value: unknown): value is JsonObject {
  return isObject(value) && value[signatureKey] === secretSignature;
}

export function secret(value: Json): JsonObject {
  return { [signatureKey]: secretSignature, value };
}

/** Rebuilds a value from the bottom up with `visit`, which sees every node after its children. */
export function transform(value: Json, visit: (node: Json) => Json): Json {
  if (Array.isArray(value)) return visit(value.map((item) => transform(item, visit)));
  if (!isObject(value)) return visit(value);
  const copy: JsonObject = {};
  for (const [key, item] of Object.entries(value)) copy[key] = transform(item, visit);
  return visit(copy);
}

/** The same value with every secret in clear. */
export function reveal(value: Json): Json {
  return transform(value, (node) => (isSecret(node) ? (node.value ?? null) : node));
}

export function revealObject(value: JsonObject): JsonObject {
  const revealed = reveal(value);
  return isObject(revealed) ? revealed : {};
}

/** References to other resources become their id, or their URN for components, as a provider would get them. */
export function resolveReferences(value: Json): Json {
  return transform(value, (node) => {
    if (!isObject(node) || node[signatureKey] !== resourceSignature) return node;
    if (node.id === undefined) return node.urn ?? unknownValue;
    return node.id === "" ? unknownValue : node.id;
  });
}

function some(value: Json, test: (node: Json) => boolean): boolean {
  if (test(value)) return true;
  if (Array.isArray(value)) return value.some((item) => some(item, test));
  return isObject(value) && Object.values(value).some((item) => some(item, test));
}

export const hasSecret = (value: Json): boolean => some(value, isSecret);
export const hasUnknown = (value: Json): boolean => some(value, (node) => node === unknownValue);

/** Adds the text of every secret in `value` to `into`, so that it can be kept out of logs and files. */
export function collectSecrets(value: Json, into: Set<string>, inSecret = false): void {
  if (isSecret(value)) collectSecrets(value.value ?? null, into, true);
  else if (Array.isArray(value)) value.forEach((item) => collectSecrets(item, into, inSecret));
  else if (isObject(value)) {
    Object.values(value).forEach((item) => collectSecrets(item, into, inSecret));
  } else if (inSecret && typeof value === "string") into.add(value);
}

/** Deep equality of what the values reveal; the order of object keys does not count. */
export function sameValue(a: Json | undefined, b: Json | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return JSON.stringify(sorted(reveal(a))) === JSON.stringify(sorted(reveal(b)));
}

function sorted(value: Json): Json {
  return transform(value, (node) =>
    isObject(node)
      ? Object.fromEntries(Object.entries(node).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : node,
  );
}

/** Wraps the named top-level keys, and every key whose input held a secret. */
export function markSecrets(
  outputs: JsonObject,
  inputs: JsonObject,
  names: readonly string[] = [],
): JsonObject {
  const marked: JsonObject = {};
  for (const [key, value] of Object.entries(outputs)) {
    const input = inputs[key];
    const hide = names.includes(key) || (input !== undefined && hasSecret(input));
    marked[key] = hide && !isSecret(value) ? secret(reveal(value)) : value;
  }
  return marked;
}

/** Objects without the keys whose value is null, as the Kubernetes provider sends them. */
export function withoutNulls(value: Json): Json {
  return transform(value, (node) =>
    isObject(node)
      ? Object.fromEntries(Object.entries(node).filter(([, item]) => item !== null))
      : node,
  );
}

/** The object without the keys whose value is unknown, or holds something unknown. */
export function withoutUnknowns(value: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => !hasUnknown(item)));
}

/** The object at `key` of `value`, or an empty one. */
export function objectAt(value: Json | undefined, ...path: string[]): JsonObject {
  let current: Json | undefined = value;
  for (const key of path) current = isObject(current) ? current[key] : undefined;
  return isObject(current) ? current : {};
}

/** The string at `path` of `value`, or undefined. */
export function stringAt(value: Json | undefined, ...path: string[]): string | undefined {
  const last = path[path.length - 1] ?? "";
  const found = objectAt(value, ...path.slice(0, -1))[last];
  return typeof found === "string" ? found : undefined;
}
