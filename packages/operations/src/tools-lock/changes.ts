import { canonicalJson, sortedJson, UserError } from "@mcp-fleet/errors";
import {
  digestOf,
  digestsOf,
  lockChanges,
  partsOf,
  type ToolDefinition,
  type ToolPart,
} from "@mcp-fleet/mcp-probe";
import { type LockedTool, type LockedTools, ownValue, toolTokens } from "@mcp-fleet/schema";

/** One part of a tool before and after, as text for a comparison by lines. Empty where the tool does not have it. */
export interface PartChange {
  readonly part: ToolPart;
  readonly before: string;
  readonly after: string;
}

/** How the tools of one server differ from those that were agreed. */
export interface AgreedChanges {
  readonly server: string;
  /** Whether anything was agreed for it. */
  readonly locked: boolean;
  readonly missing: readonly string[];
  readonly added: readonly string[];
  readonly changed: readonly { readonly name: string; readonly parts: readonly PartChange[] }[];
  /** What the list takes of an agent's context, in tokens, roughly. */
  readonly tokens: { readonly before: number; readonly after: number };
  /** What it lists, for whoever takes it over. */
  readonly listed: LockedTools;
}

/**
 * Compares what a server lists with what was agreed.
 * @throws {UserError} for a list that nobody can agree to: with one name for different tools
 */
export function changesOf(
  server: string,
  agreed: LockedTools | undefined,
  tools: readonly ToolDefinition[],
): AgreedChanges {
  refuseTwice(server, tools);
  const before = agreed ?? {};
  const { missing, added, changed } = lockChanges({ tools: digestsOf(before) }, tools);
  const listed = lockedTools(tools);
  return {
    ...{ server, locked: agreed !== undefined, missing, added, listed },
    changed: changed.map(({ name, parts }) => ({
      name,
      parts: parts.map((part) => ({
        part,
        before: textOf(name, part, ownValue(before, name)),
        after: textOf(name, part, ownValue(listed, name)),
      })),
    })),
    tokens: { before: toolTokens(before), after: toolTokens(listed) },
  };
}

/** Whether what is agreed and what is listed are the same. */
export const isAgreed = ({ locked, missing, added, changed }: AgreedChanges): boolean =>
  locked && missing.length + added.length + changed.length === 0;

/**
 * Whether it can be locked without a look: nothing is agreed yet, and it lists something. A server that lists nothing may
 * lack its credentials or its backend, and all that it lists later would pass as new.
 */
export const isNew = ({ locked, listed }: AgreedChanges): boolean =>
  !locked && Object.keys(listed).length > 0;

function refuseTwice(server: string, tools: readonly ToolDefinition[]): void {
  const known = new Map<string, string>();
  for (const tool of tools) {
    const { name } = tool;
    const text = canonicalJson(digestOf(tool));
    const twice = (known.get(name) ?? text) !== text;
    known.set(name, text);
    if (!twice && name !== "__proto__") continue;
    throw new UserError(
      `${server} lists a tool called ${JSON.stringify(name)}${twice ? " twice, with different texts" : ", which cannot be compared"}.`,
      "Have the server's author correct it. The others can be named without it.",
    );
  }
}

function lockedTools(tools: readonly ToolDefinition[]): LockedTools {
  return Object.fromEntries(
    // As it comes out of a file: without keys that have no value.
    tools.map(({ name, ...tool }) => [name, JSON.parse(JSON.stringify(tool)) as LockedTool]),
  );
}

function textOf(name: string, part: ToolPart, tool: LockedTool | undefined): string {
  const value = partsOf({ ...tool, name })[part];
  if (value === undefined) return "";
  if (typeof value === "string") return value;
  return sortedJson(value);
}
