import { Output } from "@pulumi/pulumi";

/** A deeply partial version of `T`. */
type DeepPartial<T> = T extends readonly (infer Item)[]
  ? readonly DeepPartial<Item>[]
  : T extends object
    ? { [K in keyof T]?: DeepPartial<T[K]> }
    : T;

/**
 * Changes the arguments of a child before it is made: a function from old to new arguments, or an object that is merged
 * into them as Kubernetes' strategic merge does it. Lists are merged by their items' key (containers and volumes by
 * name, ports by number); others are replaced as a whole. An item with `$patch: delete` goes.
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

/** The key of each list that is merged, as the Kubernetes API names it (`x-kubernetes-patch-merge-key`). */
const listKeys: Readonly<Record<string, readonly string[]>> = {
  containers: ["name"],
  initContainers: ["name"],
  ephemeralContainers: ["name"],
  env: ["name"],
  volumes: ["name"],
  volumeMounts: ["mountPath"],
  volumeDevices: ["devicePath"],
  // A container's, or a Service's.
  ports: ["containerPort", "port"],
  imagePullSecrets: ["name"],
  hostAliases: ["ip"],
  topologySpreadConstraints: ["topologyKey"],
  // The API replaces the whole list; a claim is known by its name all the same.
  volumeClaimTemplates: ["metadata.name"],
};

function merge(base: unknown, patch: unknown, at = ""): unknown {
  const keys = listKeys[at];
  if (keys !== undefined && Array.isArray(base) && Array.isArray(patch))
    return mergeLists(base, patch, keys, at);
  if (!isPlain(base) || !isPlain(patch)) return patch === undefined ? base : patch;
  // `type: Recreate` beside the fields of a rolling update would be refused.
  if (at === "strategy") return patch;
  const merged = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(patch))
    merged.set(key, merge(merged.get(key), value, key));
  return Object.fromEntries(merged);
}

/** Items keep their place; new ones come last. One without its key is a new one. */
function mergeLists(
  base: readonly unknown[],
  patch: readonly unknown[],
  keys: readonly string[],
  at: string,
): unknown[] {
  const valueAt = (item: unknown, path: string): unknown =>
    path.split(".").reduce((inner, key) => (isPlain(inner) ? inner[key] : undefined), item);
  const keyOf = (item: unknown): unknown =>
    keys.map((key) => valueAt(item, key)).find((one) => one !== undefined);
  const list = [...base];
  for (const item of patch) {
    const key = keyOf(item);
    const index = key === undefined ? -1 : list.findIndex((one) => keyOf(one) === key);
    if (isPlain(item) && item.$patch === "delete") {
      if (index >= 0) list.splice(index, 1);
    } else if (index < 0) list.push(item);
    // A volume of two kinds would be refused.
    else list[index] = at === "volumes" ? item : merge(list[index], item);
  }
  return list;
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
