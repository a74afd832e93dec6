import {
  cleanJson,
  JsonRefused,
  parseBoundedJson,
  sortedJson,
  unicodeEscape,
} from "@mcp-fleet/errors";
import { z } from "zod";

import { ConfigError } from "./problems";

/** A tool as the protocol describes it. */
export interface LockedTool {
  readonly title?: unknown;
  readonly description?: unknown;
  readonly inputSchema?: unknown;
  readonly outputSchema?: unknown;
  readonly annotations?: unknown;
}

/** The tools of one server by name. */
export type LockedTools = Readonly<Record<string, LockedTool>>;

/** What the tools of each server, by key, were agreed to be. */
export type LockedServers = Readonly<Record<string, LockedTools>>;

/** What the file may have, in bytes: a thousand servers with thirty tools of a kilobyte each. */
export const largestLock = 32 * 1024 * 1024;

const bounds = { characters: largestLock, depth: 80, values: 2_000_000 };

const text = z.string();
const lines = z.array(text).transform((all) => all.join("\n"));
const tool = z.strictObject({
  title: text.optional(),
  description: z.union([text, lines]).optional(),
  inputSchema: z.unknown().optional(),
  outputSchema: z.unknown().optional(),
  annotations: z.unknown().optional(),
});
const file = z.strictObject({
  version: z.literal(1),
  servers: z.record(
    text,
    z.strictObject({
      // For whoever reads a change of the file; counted anew from the tools.
      tokens: z.number().optional(),
      tools: z.record(text, tool),
    }),
  ),
});

/** `Pulumi.prod.tools.json` for `Pulumi.prod.yaml`. */
export function toolsLockFile(stackFile: string): string {
  return `${stackFile.replace(/\.ya?ml$/, "")}.tools.json`;
}

/**
 * Reads a tools lock.
 * @param name the file's name, for messages
 * @throws {ConfigError} when it is none
 */
export function parseToolsLock(name: string, content: string): LockedServers {
  const fix = `Take the file of the last commit (git checkout ${name}), or remove it and make it anew: mcp-fleet tools lock`;
  const wrong = (problem: string): ConfigError => new ConfigError([{ path: name, problem, fix }]);
  let value: unknown;
  try {
    value = parseBoundedJson(content, bounds);
  } catch (error) {
    if (error instanceof JsonRefused) throw wrong(`${error.message}.`);
    throw error;
  }
  // Parsers and people take one of two keys with the same name, and not the same one.
  if (keysIn(content) !== keysOf(value)) throw wrong("has a key twice at one place.");
  const parsed = file.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const at = issue?.path.map(String).join(".") ?? "";
    throw wrong(
      `is no tools lock of version 1: ${at === "" ? "the whole" : at} is not as it is written.`,
    );
  }
  const servers = Object.entries(parsed.data.servers);
  // A copy of an object may lose it, and with it what was agreed.
  const lost = Object.values((value as typeof parsed.data).servers).some(({ tools }) =>
    Object.hasOwn(tools, "__proto__"),
  );
  if (lost) throw wrong("has a tool called __proto__, which cannot be compared.");
  return Object.fromEntries(servers.map(([key, server]) => [key, server.tools]));
}

/** How many keys are written in a JSON text: each has a colon outside of strings. */
function keysIn(json: string): number {
  let [keys, quoted] = [0, false];
  for (let at = 0; at < json.length; at += 1) {
    const character = json[at];
    if (quoted && character === "\\") at += 1;
    else if (character === '"') quoted = !quoted;
    else if (character === ":" && !quoted) keys += 1;
  }
  return keys;
}

function keysOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const own = Array.isArray(value) ? 0 : Object.keys(value).length;
  return Object.values(value).reduce<number>((sum, part) => sum + keysOf(part), own);
}

/**
 * The text of a tools lock, for review: everything sorted, a description's lines each on its own, and characters that
 * cannot be seen written as `\uXXXX`.
 */
export function toolsLockText(servers: LockedServers): string {
  const written = {
    version: 1,
    servers: Object.fromEntries(
      Object.entries(servers).map(([key, tools]) => [
        key,
        {
          tokens: toolTokens(tools),
          tools: Object.fromEntries(
            Object.entries(tools).map(([name, one]) => [name, { ...one, ...inLines(one) }]),
          ),
        },
      ]),
    ),
  };
  return `${withUnseen(cleanJson(sortedJson(written)))}\n`;
}

/** What a list takes of an agent's context, in tokens: a fourth of its characters, as is usual for English and JSON. */
export function toolTokens(tools: LockedTools): number {
  const characters = Object.entries(tools).reduce(
    (sum, [name, { description, inputSchema }]) =>
      sum + JSON.stringify({ name, description, inputSchema }).length,
    0,
  );
  return Math.round(characters / 4);
}

function inLines({ description }: LockedTool): Pick<LockedTool, "description"> {
  return typeof description === "string" && description.includes("\n")
    ? { description: description.split("\n") }
    : {};
}

/** Text in which characters that nobody sees, and an agent reads, are written as `\uXXXX`. */
export const withUnseen = (text: string): string => text.replace(unseen, unicodeEscape);

/**
 * Format characters, private ones, those without a meaning, what is drawn as nothing, and spaces that are none: variation
 * selectors can carry a whole text. One that makes a sign a picture stays with its sign, and the wide space of Chinese.
 */
const unseen = new RegExp(
  [
    String.raw`(?<!\p{Extended_Pictographic})[\ufe0e\ufe0f]`,
    String.raw`(?![\ufe0e\ufe0f])[\p{Cf}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}]`,
    String.raw`(?![ \u3000])\p{Z}|\u2800`,
  ].join("|"),
  "gu",
);
