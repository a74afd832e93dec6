import { placeOf, tokenPath } from "@mcp-fleet/schema";

import type { PodProblem } from "./pod-security";

type Fields = Readonly<Record<string, unknown>>;

const once = "there once";

/**
 * Names and places that a pod has twice. The API server refuses most of them; a place that is taken twice under two
 * spellings it takes, and the second mount hides the first.
 */
export function twiceInPod(template: unknown): PodProblem[] {
  const { spec } = fieldsOf(template);
  const containers = ["containers", "initContainers", "ephemeralContainers"].flatMap((list) =>
    itemsOf(fieldsOf(spec), list).map((one) => [`spec.${list}`, one] as const),
  );
  return [
    ...twice(
      itemsOf(fieldsOf(spec), "volumes").map(({ name }) => [`spec.volumes[${shown(name)}]`, name]),
    ),
    ...twice(containers.map(([at, { name }]) => [`${at}[${shown(name)}]`, name])),
    ...containers.flatMap(([list, container]) => {
      const at = `${list}[${shown(container.name)}]`;
      const mounts = itemsOf(container, "volumeMounts").map(({ mountPath }) => mountPath);
      return [
        ...twice(
          itemsOf(container, "ports").map(({ name }) => [`${at}.ports[${shown(name)}]`, name]),
        ),
        ...twice(
          mounts.map((path) => [
            `${at}.volumeMounts[${shown(path)}]`,
            typeof path === "string" ? placeOf(path) : path,
          ]),
        ),
      ];
    }),
  ];
}

/** What each container has at the place of the account's token. */
export function tokenMounts(template: unknown): unknown[] {
  const { spec } = fieldsOf(template);
  return ["containers", "initContainers", "ephemeralContainers"].flatMap((list) =>
    itemsOf(fieldsOf(spec), list).flatMap((container) =>
      itemsOf(container, "volumeMounts")
        .filter(({ mountPath }) => `${placeOf(shown(mountPath))}/`.startsWith(`${tokenPath}/`))
        .map((mount) => [container.name, mount]),
    ),
  );
}

function twice(named: readonly (readonly [field: string, key: unknown])[]): PodProblem[] {
  const seen = new Set<unknown>();
  return named.flatMap(([field, key]) => {
    const known = typeof key === "string" && seen.has(key);
    seen.add(key);
    return known ? [{ field, allowed: once }] : [];
  });
}

const shown = (value: unknown): string => (typeof value === "string" ? value : "");

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

function itemsOf(of: Fields, key: string): Fields[] {
  const list = of[key];
  return Array.isArray(list) ? (list as unknown[]).map(fieldsOf) : [];
}
