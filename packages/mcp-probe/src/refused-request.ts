/** An HTTP answer with an error status, and its cleaned text. */
export interface RefusedRequest {
  readonly status: number;
  readonly headers: Headers;
  /** The JSON-RPC method of the request. */
  readonly method: string;
  readonly url: URL;
  /** The body's message, cleaned and shortened; empty without one. */
  readonly serverText: string;
  /** Whether the request carried a session id from the server. */
  readonly inSession: boolean;
  /** Whether the target has headers of its own, possibly credentials. */
  readonly sentHeaders: boolean;
  readonly clean: (text: string, limit?: number) => string;
}
