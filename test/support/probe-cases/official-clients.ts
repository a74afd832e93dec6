import {
  Client as SecondClient,
  StreamableHTTPClientTransport as SecondTransport,
} from "@modelcontextprotocol/client";
import { Client as FirstClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as FirstTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

import type { Client } from "./cases";

const info = { name: "table", version: "1" };
/** Time limit of a client for one answer, in milliseconds; some answers it never accepts. */
const limits = { timeout: 3000 };

/** The common part of both major versions' clients. */
interface Both {
  listTools: (
    params: { cursor?: string },
    options: typeof limits,
  ) => Promise<{ tools: unknown[]; nextCursor?: string | undefined }>;
  close: () => Promise<void>;
}

/**
 * Lists all tools as a program with this client does.
 * @returns why it failed; empty when it succeeded
 */
export async function askWith(
  client: Exclude<Client, "mcp 1" | "mcp 2">,
  url: string,
  modern: boolean,
): Promise<string> {
  try {
    const connected = client === "sdk 1" ? await first(url) : await second(url, modern);
    try {
      let cursor: string | undefined;
      let tools = 0;
      do {
        const page = await connected.listTools(cursor === undefined ? {} : { cursor }, limits);
        tools += page.tools.length;
        cursor = page.nextCursor;
      } while (cursor !== undefined && cursor !== "");
      return tools > 0 ? "" : "no tools";
    } finally {
      await connected.close();
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function first(url: string): Promise<Both> {
  const client = new FirstClient(info);
  await client.connect(new FirstTransport(new URL(url)), limits);
  return client;
}

async function second(url: string, modern: boolean): Promise<Both> {
  const mode = modern ? "auto" : "legacy";
  const client = new SecondClient(info, { versionNegotiation: { mode } });
  await client.connect(new SecondTransport(new URL(url)), limits);
  return client;
}
