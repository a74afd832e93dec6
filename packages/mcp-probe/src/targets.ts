import { UserError } from "@mcp-fleet/errors";

import { withFiles } from "./files";
import type { FileTarget, ProbeOptions, ProbeTarget } from "./types";
import { protocolVersions } from "./versions";

/** The command's input. */
export interface ProbeRequest {
  readonly targets: readonly ProbeTarget[];
  readonly options: ProbeOptions;
}

const targetKeys = [
  ...["name", "url", "headers", "auth", "requiredTools", "minTools"],
  ...["lock", "answerSeconds", "caFile", "headerFiles", "serverName"],
];
const numberOptions = [
  ...["deadlineSeconds", "requestTimeoutSeconds"],
  ...["concurrency", "retryDelaySeconds"],
];

/**
 * Parses the command's input: a JSON array of targets, or an object `{ "targets": [...], "options": {...} }`.
 * Files of a target are read too.
 * @throws {UserError} naming the first mistake, without quoting any header
 */
export function parseRequest(text: string): ProbeRequest {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // The parser's message quotes the text, which may contain a header.
    throw wrong("is not JSON");
  }
  const whole = Array.isArray(parsed) ? { targets: parsed as unknown[] } : parsed;
  if (!isRecord(whole)) throw wrong("is neither an array of targets nor an object with targets");
  refuseUnknown(whole, ["targets", "options"], "the input");
  const { targets, options = {} } = whole;
  if (!Array.isArray(targets) || targets.length === 0) throw wrong("has no targets");
  return { targets: (targets as unknown[]).map(parseTarget), options: parseOptions(options) };
}

/** One target of the list. @throws {UserError} as {@link parseRequest} */
export function parseTarget(value: unknown, index: number): ProbeTarget {
  const at = `targets[${index}]`;
  if (!isRecord(value)) throw wrong(`has no object at ${at}`);
  refuseUnknown(value, targetKeys, at);
  const { name, url, headers, auth, requiredTools, minTools, answerSeconds } = value;
  const { caFile, headerFiles, serverName } = value;
  if (typeof name !== "string" || name === "") throw wrong(`has no name at ${at}`);
  if (typeof url !== "string") throw wrong(`has no url at ${at}`);
  if (headers !== undefined && !(isRecord(headers) && Object.values(headers).every(isString))) {
    throw wrong(`has headers that are not texts at ${at}`);
  }
  if (auth !== undefined && auth !== "none" && auth !== "per-request") {
    throw wrong(`has an auth at ${at} that is neither "none" nor "per-request"`);
  }
  if (
    requiredTools !== undefined &&
    !(Array.isArray(requiredTools) && requiredTools.every(isString))
  ) {
    throw wrong(`has requiredTools that are not texts at ${at}`);
  }
  if (minTools !== undefined && !(Number.isInteger(minTools) && (minTools as number) >= 0)) {
    throw wrong(`has a minTools at ${at} that is not a whole number from 0`);
  }
  if (value.lock !== undefined && !isLock(value.lock)) {
    throw wrong(`has a lock at ${at} that is no {"tools": {...}, "additions": true}`);
  }
  if (answerSeconds !== undefined && !(typeof answerSeconds === "number" && answerSeconds > 0)) {
    throw wrong(`has an answerSeconds at ${at} that is not above 0`);
  }
  for (const [key, own] of Object.entries({ caFile, serverName })) {
    if (own !== undefined && !isString(own)) throw wrong(`has a ${key} at ${at} that is not text`);
  }
  if (headerFiles !== undefined && !isHeaderFiles(headerFiles)) {
    throw wrong(`has headerFiles at ${at} that do not name a file each`);
  }
  return withFiles(value as unknown as FileTarget);
}

function isHeaderFiles(value: unknown): boolean {
  return (
    isRecord(value) &&
    Object.values(value).every(
      (one) =>
        isRecord(one) && isString(one.file) && (one.prefix === undefined || isString(one.prefix)),
    )
  );
}

function isLock(value: unknown): boolean {
  return (
    isRecord(value) &&
    typeof value.additions === "boolean" &&
    isRecord(value.tools) &&
    Object.values(value.tools).every((one) => isRecord(one) && Object.values(one).every(isString))
  );
}

function parseOptions(value: unknown): ProbeOptions {
  if (!isRecord(value)) throw wrong("has options that are not an object");
  refuseUnknown(value, [...numberOptions, "protocols", "definitions"], "options");
  for (const key of numberOptions) {
    const number = value[key];
    if (number !== undefined && !(typeof number === "number" && number > 0))
      throw wrong(`has an option ${key} that is not above 0`);
  }
  const { protocols, definitions } = value;
  if (definitions !== undefined && typeof definitions !== "boolean")
    throw wrong("has an option definitions that is neither true nor false");
  if (protocols !== undefined && !isProtocols(protocols)) {
    throw wrong(`has an option protocols that is no list out of ${protocolVersions.join(", ")}`);
  }
  return value;
}

function isProtocols(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((version) => isString(version) && protocolVersions.includes(version))
  );
}

function refuseUnknown(value: Record<string, unknown>, known: readonly string[], at: string): void {
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined) throw wrong(`has the unknown key ${JSON.stringify(unknown)} in ${at}`);
}

function wrong(what: string): UserError {
  return new UserError(
    `The list of MCP servers to probe ${what}.`,
    'Give JSON such as [{"name":"github","url":"http://github:8000/mcp"}] in MCP_PROBE_TARGETS or in the file named as argument.',
    { exitCode: 2 },
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isString(value: unknown): value is string {
  return typeof value === "string";
}
