import { readFileSync } from "node:fs";

import { messageOf, UserError } from "@mcp-fleet/errors";

import type { FileTarget, HeaderFile, ProbeTarget } from "./types";

/** A line end behind a value is the editor's; a header cannot hold one. */
export function headerValue(prefix: string | undefined, text: string): string {
  return `${prefix ?? ""}${text.replace(/\r?\n$/, "")}`;
}

/** Why no HTTP header can hold a value, a prefix in front of it included; undefined for one that can be held. */
export function headerFault(prefix: string | undefined, value: string): string | undefined {
  if (/^[!-~]([ -~]*[!-~])?$/.test(value)) return undefined;
  return value.trim() === (prefix ?? "").trim()
    ? "empty"
    : "not one line of ASCII without spaces around it";
}

/**
 * A header as it is in its file now.
 * @throws {UserError} as {@link withFiles}
 */
export function headerFromFile(server: string, name: string, { file, prefix }: HeaderFile): string {
  const value = headerValue(prefix, textOf(server, `The header ${name}`, file));
  const fault = headerFault(prefix, value);
  if (fault === undefined) return value;
  throw new UserError(
    `The header ${name} of the MCP server ${JSON.stringify(server)} is ${fault}.`,
    `Put the value alone into ${file}, without a second line or a space.`,
    { exitCode: 2 },
  );
}

/**
 * The target with what is in its files, as it is now.
 * @throws {UserError} naming the target and the file, and nothing of what is in it
 */
export function withFiles({ caFile, headerFiles, ...target }: FileTarget): ProbeTarget {
  const { name: server } = target;
  const headers = Object.entries(headerFiles ?? {}).map(
    ([name, from]) => [name, headerFromFile(server, name, from)] as const,
  );
  return {
    ...target,
    ...(headers.length === 0
      ? {}
      : { headers: { ...target.headers, ...Object.fromEntries(headers) } }),
    ...(caFile === undefined ? {} : { ca: textOf(server, "The authority's certificate", caFile) }),
  };
}

function textOf(server: string, what: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new UserError(
      `${what} of the MCP server ${JSON.stringify(server)} cannot be read: ${messageOf(error)}.`,
      "Mount it there, or name another file.",
      { exitCode: 2 },
    );
  }
}
