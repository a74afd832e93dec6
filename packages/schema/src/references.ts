import type { EnvValue } from "./server-env";

/** The names in `$(NAME)`, those behind a second dollar sign left out. */
export function referencesOf(value: EnvValue | undefined): string[] {
  if (typeof value !== "string") return [];
  return [...value.matchAll(/\$\$|\$\(([A-Za-z_][A-Za-z0-9_]*)\)/g)].flatMap(([, name]) =>
    name === undefined ? [] : [name],
  );
}
