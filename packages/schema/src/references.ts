import type { EnvValue } from "./server-env";

/** The names in `$(NAME)`, except those escaped by a second dollar sign. */
export function referencesOf(value: EnvValue | undefined): string[] {
  if (typeof value !== "string") return [];
  return [...value.matchAll(/\$\$|\$\(([A-Za-z_][A-Za-z0-9_]*)\)/g)].flatMap(([, name]) =>
    name === undefined ? [] : [name],
  );
}
