import { ProbeFailure } from "./failure";

/** One HTTP answer that is not a success, with its cleaned text. */
export interface RefusedRequest {
  readonly status: number;
  readonly headers: Headers;
  /** The JSON-RPC method that was asked for. */
  readonly method: string;
  readonly url: URL;
  /** What the body says, already cleaned and shortened; empty when there is nothing to show. */
  readonly said: string;
  readonly clean: (text: string, limit?: number) => string;
}

/** Explains an HTTP status outside 200 to 299. */
export function statusFailure(answer: RefusedRequest): ProbeFailure {
  const { status, said } = answer;
  const saying = said === "" ? "" : `, saying "${said}"`;
  if (status >= 300 && status < 400) return redirectFailure(answer);
  if (status === 421 || (status === 403 && /\bhost\b/i.test(said))) {
    return new ProbeFailure(
      "http-error",
      "never",
      `refuses the Host header "${answer.url.host}" (HTTP ${status}${saying}); bind the server to 0.0.0.0 or add this name to its allowed hosts`,
    );
  }
  if (status === 401 || status === 403) {
    const challenge = answer.headers.get("www-authenticate");
    const shown =
      challenge === null
        ? "no WWW-Authenticate"
        : `WWW-Authenticate: ${answer.clean(challenge, 120)}`;
    return new ProbeFailure("auth-required", "never", `answers HTTP ${status} (${shown})`);
  }
  if (status === 404) {
    return new ProbeFailure(
      "http-error",
      "few",
      `answers HTTP 404 to ${answer.method}${saying}; nothing is served at ${answer.url.pathname}`,
    );
  }
  if (status === 405) {
    return new ProbeFailure(
      "http-error",
      "few",
      `does not take POST at ${answer.url.pathname} (HTTP 405); this path is not a streamable HTTP endpoint`,
    );
  }
  const starting = status >= 500 || status === 408 || status === 425 || status === 429;
  return new ProbeFailure(
    "http-error",
    starting ? "until-deadline" : "few",
    `answers HTTP ${status} to ${answer.method}${saying}`,
  );
}

function redirectFailure({ status, headers, url, clean }: RefusedRequest): ProbeFailure {
  const location = headers.get("location");
  let to = "an unnamed place";
  if (location !== null && URL.canParse(location, url.href)) {
    const target = new URL(location, url);
    to = clean(
      target.origin === url.origin ? target.pathname : `${target.origin}${target.pathname}`,
    );
  }
  return new ProbeFailure(
    "redirect",
    "never",
    `redirects ${url.pathname} to ${to} (HTTP ${status}); MCP clients break on this, so give the URL that answers itself`,
  );
}
