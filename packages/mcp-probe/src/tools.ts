import type { McpClient } from "./client";
import { notMcp } from "./failure";
import { OutputSchemas } from "./output-schemas";
import { type Era, parseResult } from "./schemas";

const maxPages = 100;
const maxTools = 10_000;
/** Longest name of a tool; the protocol recommends 128. */
const maxName = 256;
/** Longest cursor of a page, which is sent back to the server. */
const maxCursor = 4096;

/**
 * The tool names of all pages of `tools/list`.
 * @param params sent with every page
 * @throws {ProbeFailure} for a page that the official clients reject, and for lists beyond our limits
 */
export async function listTools(client: McpClient, era: Era, params: object): Promise<string[]> {
  const names: string[] = [];
  const seen = new Set<string>();
  const outputs = new OutputSchemas();
  let cursor: string | undefined;
  for (let page = 0; page < maxPages; page += 1) {
    const answer = await client.request(
      "tools/list",
      cursor === undefined ? params : { ...params, cursor },
    );
    const { tools = [], nextCursor = "" } = await parseResult("tools/list", era, answer.result);
    for (const { name } of tools) {
      if (name.length > maxName) {
        throw notMcp(
          `answers tools/list with a tool whose name has more than ${maxName} characters`,
        );
      }
      names.push(name);
    }
    if (era === "handshake") await outputs.check(tools);
    if (names.length > maxTools) throw notMcp(`lists more than ${maxTools} tools`);
    // Clients that test the cursor for truth end the list at an empty one.
    if (nextCursor === "") return names;
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
