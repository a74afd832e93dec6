import { clientInfo, type McpClient } from "./client";
import { ProbeFailure, RpcFailure } from "./failure";

/** What a server said about itself. */
export interface Introduction {
  readonly protocolVersion: string;
  readonly serverName?: string;
  readonly serverVersion?: string;
  /** Absent when the server advertises no tools. */
  readonly tools?: readonly string[];
}

/** The version we offer in `initialize`: the newest one with a handshake. */
const offeredVersion = "2025-11-25";
/** Versions with a handshake; a server may answer with any of them. */
const handshakeVersions = ["2024-11-05", "2025-03-26", "2025-06-18", offeredVersion];
/** The version without handshake and session: every request carries its own metadata. */
const modernVersion = "2026-07-28";

const maxPages = 100;
const maxTools = 10_000;
/** Longest name of a tool; the protocol's own advice is 128. */
const maxName = 256;
/** Longest mark of a page, which goes back to the server. */
const maxCursor = 4096;

/**
 * Asks an MCP server as a client would: `initialize`, `notifications/initialized`, `tools/list` when
 * advertised, and the end of the session. A server that knows no handshake is asked `server/discover`.
 * @throws {ProbeFailure} for the first question that was not answered as MCP says
 */
export async function introduce(client: McpClient): Promise<Introduction> {
  let answer: { result: unknown; headers: Headers };
  try {
    answer = await client.request("initialize", {
      protocolVersion: offeredVersion,
      capabilities: {},
      clientInfo,
    });
  } catch (error) {
    if (!mayBeModern(error)) throw error;
    try {
      return await discover(client);
    } catch (second) {
      // Both refused: the first answer is the one that explains an old server.
      throw second instanceof RpcFailure && second.code === unsupportedVersion ? second : error;
    }
  }
  const session = answer.headers.get("mcp-session-id");
  if (session !== null) client.protocolHeaders.set("mcp-session-id", session);
  try {
    const result = asObject(answer.result, "initialize");
    const version = typeof result.protocolVersion === "string" ? result.protocolVersion : "";
    if (!handshakeVersions.includes(version)) {
      const said =
        version === ""
          ? "no protocol version"
          : `protocol version ${JSON.stringify(version.slice(0, 40))}`;
      throw new ProbeFailure(
        "not-mcp",
        "few",
        `answers initialize with ${said}, which is none of ${handshakeVersions.join(", ")}`,
      );
    }
    client.protocolHeaders.set("mcp-protocol-version", version);
    await client.notify("notifications/initialized");
    const tools = hasTools(result) ? await listTools(client, {}) : undefined;
    return { protocolVersion: version, ...identity(result.serverInfo), ...(tools && { tools }) };
  } finally {
    if (session !== null) await client.deleteSession();
  }
}

const unsupportedVersion = -32022;

/** A server of the new era answers `initialize` with 400 or 404 and a JSON-RPC error. */
function mayBeModern(error: unknown): boolean {
  if (!(error instanceof RpcFailure)) return false;
  return error.code <= -32000 && error.outcome !== "auth-required";
}

async function discover(client: McpClient): Promise<Introduction> {
  const params = {
    _meta: {
      "io.modelcontextprotocol/protocolVersion": modernVersion,
      "io.modelcontextprotocol/clientInfo": clientInfo,
      "io.modelcontextprotocol/clientCapabilities": {},
    },
  };
  client.protocolHeaders.set("mcp-protocol-version", modernVersion);
  client.protocolHeaders.set("mcp-method", "server/discover");
  const answer = await client.request("server/discover", params);
  const result = asObject(answer.result, "server/discover");
  const versions: unknown[] = Array.isArray(result.supportedVersions)
    ? result.supportedVersions
    : [];
  if (!versions.includes(modernVersion)) {
    throw new ProbeFailure(
      "not-mcp",
      "few",
      `answers server/discover without protocol version ${modernVersion}`,
    );
  }
  client.protocolHeaders.set("mcp-method", "tools/list");
  const tools = hasTools(result) ? await listTools(client, params) : undefined;
  const info = result.serverInfo ?? metaOf(result)["io.modelcontextprotocol/serverInfo"];
  return { protocolVersion: modernVersion, ...identity(info), ...(tools && { tools }) };
}

/** All pages of `tools/list`, as names. */
async function listTools(client: McpClient, params: object): Promise<string[]> {
  const names: string[] = [];
  const seen = new Set<string>();
  let cursor: string | undefined;
  for (let page = 0; page < maxPages; page += 1) {
    const answer = await client.request(
      "tools/list",
      cursor === undefined ? params : { ...params, cursor },
    );
    const result = asObject(answer.result, "tools/list");
    if (!Array.isArray(result.tools)) {
      throw new ProbeFailure("not-mcp", "few", "answers tools/list without a list of tools");
    }
    for (const tool of result.tools as unknown[]) {
      const { name } = asObject(tool, "tools/list");
      if (typeof name !== "string") {
        throw new ProbeFailure("not-mcp", "few", "answers tools/list with a tool that has no name");
      }
      if (name.length > maxName) {
        const what = `answers tools/list with a tool whose name has more than ${maxName} characters`;
        throw new ProbeFailure("not-mcp", "few", what);
      }
      names.push(name);
    }
    if (names.length > maxTools) {
      throw new ProbeFailure("not-mcp", "few", `lists more than ${maxTools} tools`);
    }
    if (typeof result.nextCursor !== "string") return names;
    cursor = result.nextCursor;
    if (seen.has(cursor) || cursor.length > maxCursor) break;
    seen.add(cursor);
  }
  throw new ProbeFailure("not-mcp", "few", "answers tools/list with pages that do not end");
}

function hasTools(result: Record<string, unknown>): boolean {
  const capabilities = result.capabilities;
  return typeof capabilities === "object" && capabilities !== null && "tools" in capabilities;
}

function identity(info: unknown): { serverName?: string; serverVersion?: string } {
  if (typeof info !== "object" || info === null) return {};
  const { name, version } = info as Record<string, unknown>;
  return {
    ...(typeof name === "string" && { serverName: name.slice(0, 100) }),
    ...(typeof version === "string" && { serverVersion: version.slice(0, 100) }),
  };
}

function metaOf(result: Record<string, unknown>): Record<string, unknown> {
  const meta = result._meta;
  return typeof meta === "object" && meta !== null ? (meta as Record<string, unknown>) : {};
}

function asObject(value: unknown, method: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new ProbeFailure(
    "not-mcp",
    "few",
    `answers ${method} with something that is not an object`,
  );
}
