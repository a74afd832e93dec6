import { hostCheckFailure } from "./access";
import { ProbeFailure } from "./failure";
import type { RefusedRequest } from "./refused-request";

const redirects: readonly number[] = [300, 301, 302, 303, 307, 308];

/** Explains an error status other than 401 and 403. */
export function statusFailure(answer: RefusedRequest): ProbeFailure {
  const { status, serverText, method, url } = answer;
  const saying = serverText === "" ? "" : `, saying "${serverText}"`;
  if (redirects.includes(status)) return redirectFailure(answer);
  const host = hostCheckFailure(answer);
  if (host !== undefined) return host;
  if (sessionLost(answer)) {
    return new ProbeFailure(
      "http-error",
      "few",
      `gave a session and does not know it at the next request (HTTP ${status} to ${method}${saying}); another replica than the one that gave it answers, so run one replica, set sessionAffinity: ClientIP on its Service, or let the server keep no sessions`,
    );
  }
  const final = (reason: string): ProbeFailure => new ProbeFailure("http-error", "few", reason);
  const path = url.pathname;
  if (status === 404) {
    return final(`answers HTTP 404 to ${method}${saying}; nothing is served at ${path}`);
  }
  if (status === 405) {
    const sse = path.endsWith("/sse")
      ? "this path is one of the HTTP+SSE transport of 2024-11-05, and the rows say streamable HTTP: use the server's other path, often /mcp"
      : "this path is not a streamable HTTP endpoint";
    return final(`does not take POST at ${path} (HTTP 405${saying}); ${sse}`);
  }
  if (
    status === 400 &&
    /plain http request was sent to https|http request to an https/i.test(serverText)
  )
    return final(
      `speaks TLS there (HTTP 400${saying}); use https:// in its URL (tls of the server)`,
    );
  if (status === 505 || status === 426) {
    return final(
      `answers HTTP ${status} to ${method}${saying}; it wants another version of HTTP, and MCP clients send HTTP/1.1`,
    );
  }
  if (status === 431) {
    return final(
      `answers HTTP 431 to ${method}${saying}; the headers that are configured for it are longer than it takes, mostly 8 or 16 KiB in all`,
    );
  }
  if (status === 406) {
    return final(
      `answers HTTP 406 to ${method}${saying}, though both of MCP's content types were accepted`,
    );
  }
  const starting = status >= 500 || status === 408 || status === 425 || status === 429;
  return new ProbeFailure(
    "http-error",
    starting ? "until-deadline" : "few",
    `answers HTTP ${status} to ${method}${saying}`,
  );
}

/** The protocol answers an unknown session with 404; older servers use 400 and say so. */
function sessionLost({ status, inSession, serverText }: RefusedRequest): boolean {
  return inSession && (status === 404 || (status === 400 && /\bsession\b/i.test(serverText)));
}

function redirectFailure({ status, headers, url, clean }: RefusedRequest): ProbeFailure {
  const location = headers.get("location");
  let to = "an unnamed place";
  if (location !== null && URL.canParse(location, url.href)) {
    const target = new URL(location, url);
    to = clean(
      target.origin === url.origin
        ? target.pathname
        : `${target.protocol}//${target.host}${target.pathname}`,
    );
  }
  return new ProbeFailure(
    "redirect",
    "never",
    `redirects ${url.pathname} to ${to} (HTTP ${status}); not every MCP client follows it, so give the URL that answers itself`,
  );
}
