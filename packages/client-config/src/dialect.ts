import { basename, dirname } from "node:path";

import { JsonRefused, parseBoundedJson, UserError } from "@mcp-fleet/errors";

/** One server in a client's file. */
export interface Entry {
  readonly type?: unknown;
  readonly url?: unknown;
  readonly [key: string]: unknown;
}

/** The key names that a client uses for servers over HTTP. */
export interface Dialect {
  /** The key of all servers. */
  readonly list: "mcpServers" | "servers";
  readonly urlKey: "url" | "httpUrl" | "serverUrl";
  /** The entry's `type`, where the client wants one. */
  readonly type: { readonly type?: "http" };
}

/** Far larger than any person's settings file. */
const bounds = { characters: 4 * 1024 * 1024, depth: 64, values: 100_000 } as const;
/** Keys under which other clients keep their servers, in another format. */
const others = ["context_servers", "mcp_servers", "mcp"];

/**
 * The content of a client's file; of an empty one, nothing.
 *
 * @throws UserError for text that is no JSON object, or is too long or too deep for one that a person wrote
 */
export function parseFile(text: string): Readonly<Record<string, unknown>> {
  if (text.trim() === "") return {};
  let content: unknown;
  try {
    content = parseBoundedJson(text, bounds);
  } catch (error) {
    throw notAFile(error instanceof JsonRefused ? error.message : "cannot be read");
  }
  if (!isObject(content)) throw notAFile("is no JSON object");
  for (const list of ["mcpServers", "servers"]) {
    const servers = content[list] ?? {};
    if (!isObject(servers) || !Object.values(servers).every(isObject))
      throw notAFile(`has a "${list}" that is no object of servers`);
  }
  return content;
}

/**
 * The dialect of a file. Its content decides; if it contains no servers, its name does.
 *
 * @throws UserError for a file with two dialects, or of a client with another format
 */
export function dialectOf(content: Readonly<Record<string, unknown>>, file: string): Dialect {
  const lists = (["mcpServers", "servers"] as const).filter((list) => list in content);
  if (lists.length > 1) throw notAFile('has both "mcpServers" and "servers"');
  const other = others.find((key) => isObject(content[key]));
  if (lists.length === 0 && other !== undefined)
    throw notAFile(`keeps its servers in "${other}", a format that is not supported`);
  const list = lists[0] ?? (usesServers(file) ? "servers" : "mcpServers");
  if (list === "servers") return { list, urlKey: "url", type: { type: "http" } };
  const entries = Object.values((content[list] ?? {}) as Record<string, Entry>);
  const [urlKey = byName(file), second] = (["httpUrl", "serverUrl"] as const).filter((key) =>
    entries.some((entry) => key in entry),
  );
  if (second !== undefined) throw notAFile(`has servers with "${urlKey}" and with "${second}"`);
  return { list, urlKey, type: urlKey === "url" ? { type: "http" } : {} };
}

/** Whether this is VS Code's file of a workspace. */
function usesServers(file: string): boolean {
  return basename(file) === "mcp.json" && basename(dirname(file)) === ".vscode";
}

/** Gemini's settings use `url` for another transport. */
function byName(file: string): Dialect["urlKey"] {
  return basename(file) === "settings.json" && basename(dirname(file)) === ".gemini"
    ? "httpUrl"
    : "url";
}

export function notAFile(what: string): UserError {
  return new UserError(
    `The existing file ${what}.`,
    "Correct it, or name another file; nothing was written.",
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
