import { integratedServers } from "@mcp-fleet/catalog";
import type { CatalogEntry } from "@mcp-fleet/schema";

/** The catalog's key for what a command line starts; undefined for an unknown server. */
export function recognise(program: string, words: readonly string[]): string | undefined {
  return Object.entries(integratedServers).find(([, { traces }]) =>
    isStartedBy(traces, program, words),
  )?.[0];
}

function isStartedBy(
  { programs = [], npm = [], python = [], files = [] }: CatalogEntry["traces"],
  program: string,
  words: readonly string[],
): boolean {
  // `@scope/name@1.2.3`, `name==1.2.3`, `name[extra]`
  const packages = words.map((word) => word.replace(/(.)@[^/]*$/, "$1").replace(/[=<>~[].*$/, ""));
  return (
    programs.includes(program) ||
    npm.some((name) => packages.includes(name)) ||
    python.some((name) => packages.some((word) => word.replaceAll("-", "_") === name)) ||
    files.some((pattern) => {
      const path = new RegExp(`^${pattern.split("*").map(escaped).join(".*")}$`);
      return [program, ...words].some((word) => path.test(`/${word}`));
    })
  );
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** The catalog's key for a row's own key, which may be an older name. */
export function catalogKeyOf(key: string): string | undefined {
  return Object.entries(integratedServers).find(
    ([name, { server }]) => name === key || aliasesOf(server).includes(key),
  )?.[0];
}

function aliasesOf({ row }: CatalogEntry["server"]): readonly string[] {
  return typeof row === "object" ? (row.aliases ?? []) : [];
}
