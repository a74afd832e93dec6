import type { CatalogEntry } from "@mcp-fleet/catalog";

import type { ServerSource } from "../components/server";
import { appOf, codeFiles, codeProblems } from "./code";
import type { Problem, ServerSettings } from "./schema";

/** Which keys a source reads beside `image`. */
const keysOf: Readonly<Record<ServerSource["kind"], readonly (keyof ServerSettings)[]>> = {
  image: ["command", "args"],
  bridge: ["stdio"],
  code: ["code"],
  shared: ["command", "args"],
};
const allKeys = ["command", "args", "stdio", "code"] as const;

/** What to do about a key that another source reads. */
const instead: Readonly<Record<ServerSource["kind"], string>> = {
  image: 'Set command or args, or set source to "bridge" (stdio) or "code" (code).',
  bridge: 'Set stdio to the server behind the bridge, or set source to "image".',
  code: 'Set code.files or code.directory, or set source to "image" (command, args) or "bridge" (stdio).',
  shared: 'Set command and args, or set source to "bridge" (stdio) or "code" (code).',
};

/** Where the server's process comes from; everything in it has been checked. */
export function sourceOf(own: ServerSettings, entry: CatalogEntry | undefined): ServerSource {
  const image = own.image ?? entry?.image ?? "";
  const command = own.command ?? entry?.command;
  const args = own.args ?? entry?.args;
  const given = args === undefined ? {} : { args };
  switch (kindOf(own, entry)) {
    case "bridge":
      return { kind: "bridge", image, stdio: own.stdio ?? entry?.stdio ?? "" };
    case "code":
      return { kind: "code", image, files: codeFiles(own.code) ?? {}, app: appOf(own.code) };
    case "shared":
      return { kind: "shared", image, command: command ?? [], ...given };
    case "image":
      return { kind: "image", image, ...(command === undefined ? {} : { command }), ...given };
  }
}

/** What the source lacks, and which keys it does not read. */
export function sourceProblems(
  key: string,
  own: ServerSettings,
  entry: CatalogEntry | undefined,
): Problem[] {
  const at = `servers.${key}`;
  const kind = kindOf(own, entry);
  const problems: Problem[] = [];
  const missing = (name: string, fix: string): void =>
    void problems.push({ path: `${at}.${name}`, problem: "is missing.", fix });
  if (kind === "bridge" && (own.stdio ?? entry?.stdio) === undefined) {
    missing("stdio", "Set it to the stdio server's command line.");
  }
  if (kind === "shared" && (own.command ?? entry?.command) === undefined) {
    missing("command", "Set it to what starts the MCP server in the other workload's image.");
  }
  if (kind === "code" && own.code === undefined) {
    missing(
      "code",
      "Set code.directory to a directory of Python files, or code.files to their text.",
    );
  }
  if (kind === "code" && own.code !== undefined) {
    problems.push(...codeProblems(`${at}.code`, own.code));
  }
  for (const name of allKeys) {
    if (own[name] === undefined || keysOf[kind].includes(name)) continue;
    const problem = `means nothing for a server of source "${kind}".`;
    problems.push({ path: `${at}.${name}`, problem, fix: instead[kind] });
  }
  return problems;
}

function kindOf(own: ServerSettings, entry: CatalogEntry | undefined): ServerSource["kind"] {
  return own.source ?? entry?.source ?? "image";
}
