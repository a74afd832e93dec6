import { UserError } from "@mcp-fleet/errors";

/** A server as a client reaches it over streamable HTTP. */
export interface ClientServer {
  readonly name: string;
  /** With the path that the server really serves. */
  readonly url: string;
}

/** The content of a `.mcp.json`. */
export interface McpJson {
  readonly mcpServers: Readonly<Record<string, Entry>>;
}

interface Entry {
  readonly type?: string;
  readonly url?: string;
  readonly [key: string]: unknown;
}

/** A `.mcp.json` of these servers and nothing else. */
export function mcpJson(servers: readonly ClientServer[]): McpJson {
  const entries = servers.map(({ name, url }) => [name, { type: "http", url }] as const);
  return { mcpServers: Object.fromEntries(entries) };
}

/**
 * Puts the servers into the text of a `.mcp.json`. Every other entry and key stays, as do an entry's own further keys
 * (headers, a description); the file's indentation too.
 *
 * @param replace whether an entry of the same name that starts a process may be replaced. @default false
 * @throws UserError for text that is no such file, and for an entry that starts a process
 */
export function mergeMcpJson(
  text: string,
  servers: readonly ClientServer[],
  replace = false,
): string {
  const file = parseFile(text);
  const entries: Record<string, Entry> = { ...file.mcpServers };
  for (const { name, url } of servers) {
    const { command, args, env, ...kept } = entries[name] ?? {};
    if (command !== undefined && !replace) throw startsProcess(name);
    const process = command === undefined ? { args, env } : {};
    entries[name] = { ...kept, ...defined(process), type: "http", url };
  }
  return `${JSON.stringify({ ...file, mcpServers: entries }, null, indentationOf(text))}\n`;
}

function parseFile(text: string): { readonly mcpServers?: Record<string, Entry> } {
  if (text.trim() === "") return {};
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    throw notAFile("is no JSON");
  }
  if (!isObject(file)) throw notAFile("is no JSON object");
  const servers = file.mcpServers ?? {};
  if (!isObject(servers) || !Object.values(servers).every(isObject)) {
    throw notAFile('has an "mcpServers" that is no object of servers');
  }
  return { ...file, mcpServers: servers as Record<string, Entry> };
}

function notAFile(what: string): UserError {
  return new UserError(
    `The existing file ${what}.`,
    "Mend it, or name another file; nothing was written.",
  );
}

function startsProcess(name: string): UserError {
  return new UserError(
    `The entry "${name}" of the existing file starts a process of its own.`,
    "Replace it with --replace, or rename it; nothing was written.",
  );
}

function indentationOf(text: string): string {
  return /^\{\r?\n([ \t]+)/.exec(text)?.[1] ?? "  ";
}

function defined(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
