import { clientInfo, type McpClient } from "./client";
import { notMcp, ProbeFailure, RpcFailure } from "./failure";
import { type ParsedResult, parseResult } from "./schemas";
import type { ToolDefinition } from "./tool-lock";
import { listTools, type ToolList } from "./tools";
import { handshakeVersions, modernVersion, protocolVersions } from "./versions";

/** What a server reported about itself. */
export interface Introduction {
  readonly protocolVersion: string;
  readonly serverName?: string;
  readonly serverVersion?: string;
  /** Absent when the server does not support tools. */
  readonly tools?: readonly string[];
  /** Absent where nobody asked for them, too. */
  readonly definitions?: readonly ToolDefinition[];
}

/**
 * Talks to an MCP server as a client of these protocol versions would. Versions with a handshake: `initialize`,
 * `notifications/initialized`, `tools/list` and the end of the session. 2026-07-28: `server/discover` and
 * `tools/list`. A client of both kinds tries the newer one first, as the protocol says.
 * @param define whether the definitions of its tools are wanted too
 * @throws {ProbeFailure} for the first request that MCP does not allow this answer to, and when no version is
 * shared
 */
export async function introduce(
  client: McpClient,
  protocols: readonly string[],
  define = false,
): Promise<Introduction> {
  const older = handshakeVersions.filter((version) => protocols.includes(version));
  const modern = protocols.includes(modernVersion);
  if (!modern) {
    try {
      return await initialize(client, older, define);
    } catch (error) {
      throw await mismatchIn(error, protocols, () => discover(client, define));
    }
  }
  try {
    return await discover(client, define);
  } catch (error) {
    const another = error instanceof ProbeFailure && error.outcome === "no-shared-protocol";
    if (!refused(error) && !another) throw error;
    client.forget();
    if (older.length > 0) return await initialize(client, older, define);
    throw await mismatchIn(error, protocols, () => initialize(client, handshakeVersions, define));
  }
}

/** Whether a server rejected the request itself, as one of the other era does. */
function refused(error: unknown): boolean {
  if (error instanceof RpcFailure) return error.outcome !== "auth-required";
  return error instanceof ProbeFailure && error.outcome === "http-error" && error.retry === "few";
}

/** The failure to report: the first one, unless the server speaks versions of the other era. */
async function mismatchIn(
  error: unknown,
  protocols: readonly string[],
  askOtherwise: () => Promise<Introduction>,
): Promise<unknown> {
  if (!(error instanceof RpcFailure) || !refused(error)) return error;
  if (error.supported.length > 0) return noShared(error.supported, protocols);
  try {
    return noShared([(await askOtherwise()).protocolVersion], protocols);
  } catch (second) {
    return second instanceof RpcFailure && second.supported.length > 0
      ? noShared(second.supported, protocols)
      : error;
  }
}

/** The server works, but shares no protocol version with this client. */
function noShared(spoken: readonly string[], protocols: readonly string[]): ProbeFailure {
  const known = spoken.filter((version) => /^\d{4}-\d\d-\d\d$/.test(version)).slice(0, 10);
  return new ProbeFailure(
    "no-shared-protocol",
    "few",
    `speaks MCP ${known.join(", ")}, and its client only ${protocols.join(", ")}`,
  );
}

async function initialize(
  client: McpClient,
  versions: readonly string[],
  define: boolean,
): Promise<Introduction> {
  const answer = await client.request("initialize", {
    protocolVersion: versions.at(-1),
    capabilities: {},
    clientInfo,
  });
  const session = answer.headers.get("mcp-session-id") ?? "";
  if (session !== "") client.protocolHeaders.set("mcp-session-id", session);
  try {
    const given = protocolVersionIn(answer.result);
    if (given !== undefined && !versions.includes(given)) throw unknownVersion(given, versions);
    const result = await parseResult("initialize", "handshake", answer.result);
    const { protocolVersion: version = "" } = result;
    client.protocolHeaders.set("mcp-protocol-version", version);
    await client.notify("notifications/initialized");
    const tools = await toolsIfAny(result, () => listTools(client, "handshake", {}, define));
    return { protocolVersion: version, ...identity(result.serverInfo), ...listed(tools) };
  } finally {
    if (session !== "") await client.deleteSession();
  }
}

function protocolVersionIn(result: unknown): string | undefined {
  if (typeof result !== "object" || result === null) return undefined;
  const { protocolVersion } = result as Record<string, unknown>;
  return typeof protocolVersion === "string" ? protocolVersion : undefined;
}

function unknownVersion(version: string, versions: readonly string[]): ProbeFailure {
  if (protocolVersions.includes(version)) return noShared([version], versions);
  const shownVersion = version === "" ? "an empty text" : JSON.stringify(version.slice(0, 40));
  return notMcp(
    `answers initialize with the protocol version ${shownVersion}, which is none of ${versions.join(", ")}`,
  );
}

async function discover(client: McpClient, define: boolean): Promise<Introduction> {
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
  const result = await parseResult("server/discover", "modern", answer.result);
  const versions = result.supportedVersions ?? [];
  if (!versions.includes(modernVersion)) throw noShared(versions, [modernVersion]);
  client.protocolHeaders.set("mcp-method", "tools/list");
  const tools = await toolsIfAny(result, () => listTools(client, "modern", params, define));
  const info = result.serverInfo ?? result._meta?.["io.modelcontextprotocol/serverInfo"];
  return { protocolVersion: modernVersion, ...identity(info), ...listed(tools) };
}

/**
 * The official clients request tools whatever is advertised. If none are advertised, an error means that there
 * are none.
 */
async function toolsIfAny(
  { capabilities }: ParsedResult,
  list: () => Promise<ToolList>,
): Promise<ToolList | undefined> {
  try {
    return await list();
  } catch (error) {
    if (capabilities?.tools === undefined && refused(error)) return undefined;
    throw error;
  }
}

const listed = (list: ToolList | undefined): Pick<Introduction, "tools" | "definitions"> =>
  list === undefined
    ? {}
    : {
        tools: list.names,
        ...(list.definitions !== undefined && { definitions: list.definitions }),
      };

function identity(info: unknown): { serverName?: string; serverVersion?: string } {
  if (typeof info !== "object" || info === null) return {};
  const { name, version } = info as Record<string, unknown>;
  return {
    ...(typeof name === "string" && { serverName: name.slice(0, 100) }),
    ...(typeof version === "string" && { serverVersion: version.slice(0, 100) }),
  };
}
