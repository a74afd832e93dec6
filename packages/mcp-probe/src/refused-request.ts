/** One HTTP answer that is not a success, with its cleaned text. */
export interface RefusedRequest {
  readonly status: number;
  readonly headers: Headers;
  /** The JSON-RPC method that was asked for. */
  readonly method: string;
  readonly url: URL;
  /** What the body says, already cleaned and shortened; empty when there is nothing to show. */
  readonly said: string;
  /** Whether the request named a session that the server had given. */
  readonly inSession: boolean;
  /** Whether the target has headers of its own, which may be credentials. */
  readonly sentHeaders: boolean;
  readonly clean: (text: string, limit?: number) => string;
}
