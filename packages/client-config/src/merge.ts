import { UserError } from "@mcp-fleet/errors";

import { dialectOf, type Entry, notAFile, parseFile } from "./dialect";

/** A server as a client reaches it over streamable HTTP. */
export interface ClientServer {
  readonly name: string;
  /** With the path that the server really uses. */
  readonly url: string;
}

/** The content of a `.mcp.json`. */
export interface McpJson {
  readonly mcpServers: Readonly<Record<string, Entry>>;
}

/** A client's file with the servers in it. */
export interface MergedFile {
  readonly text: string;
  /** Keys removed from entries that now point to another server, for the user to restore where wanted. */
  readonly dropped: readonly { readonly name: string; readonly keys: readonly string[] }[];
}

/** A `.mcp.json` of these servers and nothing else. */
export function mcpJson(servers: readonly ClientServer[]): McpJson {
  const entries = servers.map(({ name, url }) => [name, { type: "http", url }] as const);
  return { mcpServers: Object.fromEntries(entries) };
}

/**
 * Merges the servers into the text of a client's file, with the key names that the file uses: `mcpServers` or
 * `servers`, `url`, `httpUrl` or `serverUrl`. Every other entry and key stays; the file's indentation too. An
 * entry's own further keys (headers, approvals) stay while the URL keeps its scheme, host and port: they were
 * meant for that server. Otherwise only harmless keys stay.
 *
 * @param replace whether an entry of the same name that starts a process may be replaced. @default false
 * @param file the file's name, which decides the format of an empty file. @default a `.mcp.json`
 * @throws UserError for text that is no such file or of two clients, and for an entry that starts a process
 */
export function mergeMcpJson(
  text: string,
  servers: readonly ClientServer[],
  replace = false,
  file = ".mcp.json",
): MergedFile {
  const content = parseFile(text);
  const { list, urlKey, type } = dialectOf(content, file);
  const before = (content[list] ?? {}) as Record<string, Entry>;
  const entries = new Map(Object.entries(before));
  const dropped: { name: string; keys: string[] }[] = [];
  for (const { name, url } of servers) {
    const old = entries.get(name) ?? {};
    if (old.command !== undefined && !replace) throw startsProcess(name);
    const { kept, lost } = keptOf(old, url);
    if (lost.length > 0) dropped.push({ name, keys: lost });
    entries.set(name, { ...kept, ...type, [urlKey]: url });
  }
  const merged = { ...content, [list]: Object.fromEntries(entries) };
  return { text: `${JSON.stringify(merged, null, indentationOf(text))}\n`, dropped };
}

/** Keys with the server's address; they are written anew. */
const address = ["type", "url", "httpUrl", "serverUrl"];
/** Keys of an entry that starts a process. */
const process = ["command", "args", "env", "cwd"];
/** Keys that are kept for another server: they send nothing to it and allow nothing. */
const harmless = ["description", "disabled", "timeout"];

function keptOf(entry: Entry, url: string): { kept: Entry; lost: string[] } {
  const gone = entry.command === undefined ? address : [...address, ...process];
  const own = Object.entries(entry).filter(([key]) => !gone.includes(key));
  const was = [entry.url, entry.httpUrl, entry.serverUrl].find((one) => one !== undefined);
  const same = was !== undefined && originOf(was) === originOf(url);
  const kept = own.filter(([key]) => same || harmless.includes(key));
  const lost = own.filter((one) => !kept.includes(one)).map(([key]) => key);
  return { kept: Object.fromEntries(kept), lost };
}

/** Scheme, host and port; for an invalid URL a value that equals no origin. */
function originOf(url: unknown): unknown {
  return typeof url === "string" && URL.canParse(url) ? new URL(url).origin : Symbol("no URL");
}

function startsProcess(name: string): UserError {
  return new UserError(
    `The entry "${name}" of the existing file starts a process of its own.`,
    "Replace it with --replace, or rename it; nothing was written.",
  );
}

function indentationOf(text: string): string {
  const found = /^\s*\{\r?\n([ \t]+)/.exec(text)?.[1];
  if (found !== undefined && found.length > 16) throw notAFile("is indented beyond reason");
  return found ?? "  ";
}
