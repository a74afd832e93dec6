import { cleanLine } from "@mcp-fleet/errors";

import { notMcp } from "./failure";
import type { ToolDefinition } from "./tool-lock";

/** The results that are parsed. */
export type Parsed = "initialize" | "server/discover" | "tools/list";

/** Protocol eras: with a handshake, or with the metadata in every request. */
export type Era = "handshake" | "modern";

/** The part of the official clients' schemas that is used. */
interface Schema {
  readonly safeParse: (value: unknown) => {
    readonly success: boolean;
    readonly error?: {
      readonly issues: readonly {
        readonly path: readonly PropertyKey[];
        readonly message: string;
      }[];
    };
  };
}

/** The parts of a valid result that are read. */
export interface ParsedResult {
  readonly protocolVersion?: string;
  readonly supportedVersions?: readonly string[];
  readonly capabilities?: { readonly tools?: object | undefined };
  readonly serverInfo?: { readonly name: string; readonly version: string };
  readonly tools?: readonly ToolDefinition[];
  readonly nextCursor?: string;
  readonly resultType?: unknown;
  readonly ttlMs?: unknown;
  readonly cacheScope?: unknown;
  readonly _meta?: Readonly<Record<string, unknown>>;
}

/**
 * Parses a result as the official TypeScript clients do, with their own schemas; with those of both major
 * versions where both speak the era. What the Python client rejects besides is rejected where the answer is
 * read.
 * @throws {ProbeFailure} naming the first thing that they reject
 */
export async function parseResult(
  method: Parsed,
  era: Era,
  result: unknown,
): Promise<ParsedResult> {
  const raw = asObject(result, method);
  for (const schema of await schemasOf(method, era)) {
    const parsed = schema.safeParse(result);
    if (parsed.success) continue;
    const what = problemOf(raw, parsed.error?.issues[0]);
    throw notMcp(`answers ${method} with ${what}, which the official MCP clients refuse`);
  }
  const lacks = method === "tools/list" && era === "modern" ? listProblem(raw) : undefined;
  if (lacks !== undefined) {
    throw notMcp(`answers ${method} with ${lacks}, which the official MCP clients refuse`);
  }
  return raw;
}

/**
 * Requirements of 2026-07-28 for a list that the published schemas do not check, because they accept older lists
 * too.
 */
function listProblem({ resultType, ttlMs, cacheScope }: ParsedResult): string | undefined {
  if (resultType !== "complete") return 'resultType: expected "complete"';
  if (!Number.isInteger(ttlMs) || Number(ttlMs) < 0) return "ttlMs: expected a whole number from 0";
  if (cacheScope !== "public" && cacheScope !== "private")
    return 'cacheScope: expected "public" or "private"';
  return undefined;
}

/** Loads the schemas. This takes a tenth of a second, so the command line does it only when needed. */
export async function loadSchemas(): Promise<void> {
  await schemasOf("initialize", "handshake");
}

async function schemasOf(method: Parsed, era: Era): Promise<readonly Schema[]> {
  const second = await import("@modelcontextprotocol/core");
  if (method === "server/discover") return [second.DiscoverResultSchema];
  if (era === "modern") return [second.ListToolsResultSchema];
  const first = await import("@modelcontextprotocol/sdk/types.js");
  return method === "initialize"
    ? [first.InitializeResultSchema, second.InitializeResultSchema]
    : [first.ListToolsResultSchema, second.ListToolsResultSchema];
}

/** The place and the text of the first problem; a tool is named. */
function problemOf(
  raw: ParsedResult,
  issue: { readonly path: readonly PropertyKey[]; readonly message: string } | undefined,
): string {
  const [first, index, ...rest] = issue?.path ?? [];
  const message = (issue?.message ?? "").replace(/^Invalid input: /, "");
  if (first !== "tools" || typeof index !== "number") {
    const where = (issue?.path ?? []).map(String).join(".");
    return `${where === "" ? "its result" : where}: ${cleanLine(message, 160)}`;
  }
  const name: unknown = raw.tools?.[index]?.name;
  const named = typeof name === "string" ? ` ${JSON.stringify(cleanLine(name, 80))}` : "";
  const where = cleanLine(rest.map(String).join("."), 120);
  return `tool ${index + 1}${named}, ${where === "" ? "" : `${where}: `}${cleanLine(message, 160)}`;
}

function asObject(value: unknown, method: string): ParsedResult {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw notMcp(`answers ${method} with a result that is not an object`);
}
