import { cleanLine, unicodeEscape } from "@mcp-fleet/errors";
import { toolPartNames } from "@mcp-fleet/mcp-probe";
import type { AgreedChanges, PartChange } from "@mcp-fleet/operations";
import { withUnseen } from "@mcp-fleet/schema";
import { structuredPatch } from "diff";

import { bullets } from "../terminal";

/** Lines around a change. */
const context = 2;
/** What two texts may take to compare, in milliseconds. */
const timeout = 2000;

/**
 * How servers' tools differ from those that are agreed: a line for each server, then what is gone, what is new, and each
 * change as a comparison by lines.
 * @param width of the terminal, in columns
 */
export function changesText(changes: readonly AgreedChanges[], width: number): string {
  return changes.map((one) => serverText(one, width)).join("\n\n");
}

function serverText(one: AgreedChanges, width: number): string {
  const { server, locked, missing, added, changed, tokens, listed } = one;
  const count = Object.keys(listed).length;
  const size = `${count} ${count === 1 ? "tool" : "tools"}, some ${tokens.after} tokens`;
  if (!locked) return `${server}: ${size}; nothing is agreed yet`;
  const before = tokens.before === tokens.after ? "" : ` (${tokens.before} agreed)`;
  const same = missing.length + added.length + changed.length === 0;
  return [
    `${server}: ${size}${before}${same ? "; as agreed" : ""}`,
    ...lists("gone", missing, width),
    ...lists("new", added, width),
    ...changed.flatMap(({ name, parts }) => parts.flatMap((part) => partText(name, part))),
  ].join("\n");
}

function lists(what: string, names: readonly string[], width: number): string[] {
  return names.length === 0 ? [] : [bullets([`${what}: ${names.map(shown).join(", ")}`], width)];
}

function partText(name: string, { part, before, after }: PartChange): string[] {
  const patch = structuredPatch("", "", before, after, "", "", { context, timeout });
  const lines = patch?.hunks.flatMap((hunk) => hunk.lines) ?? ["(too long to compare)"];
  return [
    `- changed: ${shown(name)}, ${toolPartNames[part]}`,
    ...lines.filter((line) => !line.startsWith("\\")).map((line) => `    ${shown(line)}`),
  ];
}

/** Whole, however long it is: what is cut off would be agreed to unread. */
const shown = (text: string): string => cleanLine(withUnseen(text).replace(control, unicodeEscape));

/** Cleaning makes spaces of them, which are another text. */
const control = /[\p{Cc}\p{Cs}]/gu;
