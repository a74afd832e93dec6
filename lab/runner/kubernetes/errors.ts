import { UserError } from "@mcp-fleet/errors";

import { type Json, stringAt } from "../wire";

/** An answer of the API server that is not a success. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly reason: string,
    message: string,
  ) {
    super(message);
  }
}

/** The API server did not answer at all. */
export class Unreachable extends UserError {}

/** The error in the answer of the API server. */
export function apiError(status: number, text: string): ApiError {
  try {
    const body = JSON.parse(text) as Json;
    return new ApiError(
      status,
      stringAt(body, "reason") ?? "",
      stringAt(body, "message") ?? `HTTP ${status}`,
    );
  } catch {
    return new ApiError(status, "", text.trim().slice(0, 300) || `HTTP ${status}`);
  }
}
