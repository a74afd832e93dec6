import { readFileSync } from "node:fs";

import { messageOf, UserError } from "@mcp-fleet/errors";

import type { FileTarget, ProbeTarget } from "./types";

/** A line end behind a value is the editor's; a header cannot hold one. */
export function headerValue(prefix: string | undefined, text: string): string {
  return `${prefix ?? ""}${text.replace(/\r?\n$/, "")}`;
}

/** Whether an HTTP header can hold it: one line of ASCII. */
export function isHeaderValue(value: string): boolean {
  return /^[!-~]([ -~]*[!-~])?$/.test(value);
}

/**
 * The target with what is in its files, as it is now.
 * @throws {UserError} naming the target and the file, and nothing of what is in it
 */
export function withFiles({ caFile, headerFiles, ...target }: FileTarget): ProbeTarget {
  const read = (file: string, what: string): string => {
    try {
      return readFileSync(file, "utf8");
    } catch (error) {
      throw new UserError(
        `${what} of the MCP server ${JSON.stringify(target.name)} cannot be read: ${messageOf(error)}.`,
        "Mount it there, or name another file.",
        { exitCode: 2 },
      );
    }
  };
  const headers = Object.entries(headerFiles ?? {}).map(([name, { file, prefix }]) => {
    const value = headerValue(prefix, read(file, `The header ${name}`));
    if (isHeaderValue(value)) return [name, value] as const;
    const empty = value.trim() === (prefix ?? "").trim();
    throw new UserError(
      `The header ${name} of the MCP server ${JSON.stringify(target.name)} is ${empty ? "empty" : "not one line of ASCII without spaces around it"}.`,
      `Put the value alone into ${file}, without a second line or a space.`,
      { exitCode: 2 },
    );
  });
  return {
    ...target,
    ...(headers.length === 0
      ? {}
      : { headers: { ...target.headers, ...Object.fromEntries(headers) } }),
    ...(caFile === undefined ? {} : { ca: read(caFile, "The authority's certificate") }),
  };
}
