import type { McpClient } from "./client";
import { notMcp } from "./failure";
import { OutputSchemas } from "./output-schemas";
import { type Era, parseResult } from "./schemas";
import type { ToolDefinition } from "./tool-lock";

const maxPages = 100;
const maxTools = 10_000;
/** Longest name of a tool; the protocol recommends 128. */
const maxName = 256;
/** Longest cursor of a page, which is sent back to the server. */
const maxCursor = 4096;
/** What the definitions of one server's tools may be together, in characters of JSON: the gate has 32 MiB of heap. */
const maxDefinitions = 4 * 1024 * 1024;

/** What a server listed. */
export interface ToolList {
  readonly names: readonly string[];
  /** Undefined where nobody asked for them. */
  readonly definitions?: readonly ToolDefinition[];
}

/**
 * The tools of all pages of `tools/list`.
 * @param params sent with every page
 * @param define whether their definitions are wanted too
 * @throws {ProbeFailure} for a page that the official clients reject, and for lists beyond our limits
 */
export async function listTools(
  client: McpClient,
  era: Era,
  params: object,
  define = false,
): Promise<ToolList> {
  const names: string[] = [];
  const definitions: ToolDefinition[] = [];
  let characters = 0;
  const seen = new Set<string>();
  const outputs = new OutputSchemas();
  let cursor: string | undefined;
  for (let page = 0; page < maxPages; page += 1) {
    const answer = await client.request(
      "tools/list",
      cursor === undefined ? params : { ...params, cursor },
    );
    const { tools = [], nextCursor = "" } = await parseResult("tools/list", era, answer.result);
    for (const tool of tools) {
      const { name } = tool;
      if (name.length > maxName) {
        throw notMcp(
          `answers tools/list with a tool whose name has more than ${maxName} characters`,
        );
      }
      names.push(name);
      if (!define) continue;
      const { title, description, inputSchema, outputSchema, annotations } = tool;
      definitions.push({ name, title, description, inputSchema, outputSchema, annotations });
      characters += JSON.stringify(definitions.at(-1)).length;
      if (characters > maxDefinitions) {
        throw notMcp(`describes its tools in more than ${maxDefinitions} characters`);
      }
    }
    if (era === "handshake") await outputs.check(tools);
    if (names.length > maxTools) throw notMcp(`lists more than ${maxTools} tools`);
    // Clients that test the cursor for truth end the list at an empty one.
    if (nextCursor === "") return define ? { names, definitions } : { names };
    if (nextCursor.length > maxCursor) {
      throw notMcp(
        `answers tools/list with a cursor for the next page of more than ${maxCursor} characters`,
      );
    }
    if (seen.has(nextCursor)) {
      throw notMcp(
        `answers tools/list with pages that do not end: page ${page + 1} names a cursor that an earlier one had`,
      );
    }
    seen.add(nextCursor);
    cursor = nextCursor;
  }
  throw notMcp(`answers tools/list with pages that do not end: ${maxPages} were read`);
}
