import { messageOf, readTextFileIfThere } from "@mcp-fleet/errors";
import { digestsOf, type ToolLock } from "@mcp-fleet/mcp-probe";
import {
  ConfigError,
  fitsGate,
  gateOf,
  largestLock,
  type LockedTools,
  ownValue,
  parseToolsLock,
  type Problem,
  type ResolvedServer,
  toolsLockFile,
  toolsOf,
  toolTokens,
} from "@mcp-fleet/schema";

/** What the tools of each server are held against, by its key. */
export type ToolLocks = Readonly<Record<string, ToolLock>>;

/**
 * Reads the tools lock beside a stack's file. There need not be one.
 * @throws {ConfigError} when it is not a tools lock, or cannot be read
 */
export function readToolLocks(
  stackFile: string,
  servers: readonly ResolvedServer[],
  problems: Problem[],
): ToolLocks {
  const name = toolsLockFile(stackFile);
  const content = contentOf(name);
  if (content === undefined) return {};
  const locked = parseToolsLock(name, content);
  const locks = servers.flatMap((server) => {
    const tools = ownValue(locked, server.key);
    const { check } = toolsOf(server);
    if (tools === undefined || check === "off") return [];
    const lock = { tools: digestsOf(tools), additions: check === "additions" };
    problems.push(...problemsWith(server, { name, tools, lock }));
    return [[server.key, lock] as const];
  });
  return Object.fromEntries(locks);
}

function contentOf(name: string): string | undefined {
  try {
    return readTextFileIfThere(name, largestLock);
  } catch (error) {
    const problem = `cannot be read: ${messageOf(error)}.`;
    throw new ConfigError([{ path: name, problem, fix: "Make it a file that can be read." }]);
  }
}

/** The lock of one server, as an argument of what asks it. */
export function lockOf(locks: ToolLocks, key: string): { readonly lock?: ToolLock } {
  const lock = ownValue(locks, key);
  return lock === undefined ? {} : { lock };
}

function problemsWith(
  server: ResolvedServer,
  locked: { readonly name: string; readonly tools: LockedTools; readonly lock: ToolLock },
): Problem[] {
  const { key, requiredTools } = server;
  const problems: Problem[] = [];
  const { maxTokens = Infinity } = toolsOf(server);
  const tokens = toolTokens(locked.tools);
  if (tokens > maxTokens) {
    problems.push({
      path: `servers.${key}.tools.maxTokens`,
      problem: `is ${maxTokens}, and the tools in ${locked.name} take some ${tokens}.`,
      fix: `Have the server list fewer tools, or: pulumi config set --path servers.${key}.tools.maxTokens ${tokens}`,
    });
  }
  if (gateOf(server) !== undefined && !fitsGate({ requiredTools, lock: locked.lock })) {
    problems.push({
      path: `servers.${key}.tools`,
      problem: `has too many tools in ${locked.name} for the gate, which has them in a variable.`,
      fix: `Let the cutover and verify alone compare them: pulumi config set --path servers.${key}.gate off`,
    });
  }
  return problems;
}
