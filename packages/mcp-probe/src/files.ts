import { readFileSync } from "node:fs";

import { messageOf, UserError } from "@mcp-fleet/errors";

import type { FileTarget, HeaderFile, ProbeTarget } from "./types";

/** Editors append a line break, which a header cannot contain. */
export function headerValue(prefix: string | undefined, text: string): string {
  return `${prefix ?? ""}${text.replace(/\r?\n$/, "")}`;
}

/** Why an HTTP header cannot contain this value with its prefix; undefined if it can. */
export function headerFault(prefix: string | undefined, value: string): string | undefined {
  if (/^[!-~]([ -~]*[!-~])?$/.test(value)) return undefined;
  return value.trim() === (prefix ?? "").trim()
    ? "empty"
    : "not one line of ASCII without spaces around it";
}

/**
 * The current value of a header that is in a file.
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
 * The target with the current content of its files.
 * @throws {UserError} naming the target and the file, and nothing of its content
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
