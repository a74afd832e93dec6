import { parseBoundedJson } from "@mcp-fleet/errors";

import type { ProbeFailure } from "./failure";
import { RpcFailure } from "./failure";
import { replyBounds, type RpcReply } from "./reply";

type RpcError = RpcReply["error"];
type Clean = (text: string, limit?: number) => string;

/** The JSON-RPC error in a body; undefined where there is none. */
export function rpcErrorIn(text: string): RpcError {
  try {
    const parsed = parseBoundedJson(text, replyBounds);
    if (typeof parsed !== "object" || parsed === null || !("error" in parsed)) return undefined;
    const error: unknown = parsed.error;
    return typeof error === "object" && error !== null ? error : undefined;
  } catch {
    return undefined;
  }
}

/** Whether an error is JSON-RPC's: its code is a number. */
export function isRpcError(error: RpcError): boolean {
  return typeof error?.code === "number";
}

/** An error's message with its data: cleaned and shortened; empty without one. */
export function rpcErrorText(error: RpcError, clean: Clean): string {
  const message = typeof error?.message === "string" ? clean(error.message) : "";
  const data = error?.data;
  if (data === undefined || data === null) return message;
  const text = clean(typeof data === "string" ? data : JSON.stringify(data));
  return text === "" || text === message ? message : `${message} (data: ${text})`;
}

/** The failure for an error as the answer, usually with HTTP 200. */
export function rpcFailure(
  method: string,
  error: RpcError,
  { status, clean }: { readonly status: number; readonly clean: Clean },
): RpcFailure {
  const code = typeof error?.code === "number" ? error.code : 0;
  const serverText = rpcErrorText(error, clean);
  // -32600 to -32602: the request itself is rejected. Others, such as an internal error, may be temporary.
  const refused = code <= -32600 && code >= -32602;
  return new RpcFailure(
    "not-mcp",
    refused ? "few" : "until-deadline",
    `answers ${method} with the error ${code}${serverText === "" ? "" : ` "${serverText}"`} (HTTP ${status})`,
    code,
    supportedBy(error),
  );
}

/** The same failure with the code of the JSON-RPC error in its body, if there is one. */
export function withCode(failure: ProbeFailure, error: RpcError): ProbeFailure {
  if (typeof error?.code !== "number") return failure;
  const { outcome, retry, reason } = failure;
  return new RpcFailure(outcome, retry, reason, error.code, supportedBy(error));
}

/** The versions that the server supports: with -32022 in 2026-07-28, with -32602 in older versions. */
function supportedBy(error: RpcError): readonly string[] {
  const data = error?.data;
  if (typeof data !== "object" || data === null || !("supported" in data)) return [];
  const { supported } = data;
  return Array.isArray(supported) && supported.every((one) => typeof one === "string")
    ? supported
    : [];
}
