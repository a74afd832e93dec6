import { ProbeFailure } from "./failure";
import type { RefusedRequest } from "./refused-request";

/**
 * Host checks, recognised by their messages, each with the server's own switch. To a caller they look alike: a
 * server that listens on every address may still accept the host `localhost` only.
 */
const hostChecks: readonly (readonly [RegExp, string])[] = [
  [
    /access is only allowed at /i,
    'Playwright MCP: start it with --allowed-hosts and this name, or with --allowed-hosts "*"',
  ],
  [
    /host header is not allowed/i,
    "rmcp, the Rust SDK: add this name to allowed_hosts, or call disable_allowed_hosts()",
  ],
  [
    /forbidden: invalid host header/i,
    "the Go SDK: its check is for loopback addresses, so a sidecar forwards to 127.0.0.1; let it set Host to localhost",
  ],
  [
    /^(invalid host: |missing host header|invalid host header: )/i,
    "the TypeScript SDK: add this name to allowedHosts",
  ],
];

/** Other rejections of a Host header, whatever the server's framework. */
const hostRefused =
  /\b(invalid|disallowed|blocked)\b.*\bhost\b|\bhost\b.*\b(invalid|not (allowed|permitted)|disallowed|blocked)\b/i;

/** The failure for a rejected Host header; undefined for another answer. */
export function hostCheckFailure({
  status,
  url,
  serverText,
}: Pick<RefusedRequest, "status" | "url" | "serverText">): ProbeFailure | undefined {
  const own = ownSwitch(status, serverText);
  if (own === undefined) return undefined;
  const saying = serverText === "" ? "" : `, saying "${serverText}"`;
  return new ProbeFailure(
    "http-error",
    "never",
    `refuses the Host header "${url.host}" (HTTP ${status}${saying}); ${own}`,
  );
}

/** How to disable the server's Host check; undefined for another answer. */
function ownSwitch(status: number, serverText: string): string | undefined {
  if (status === 421 && /^invalid host header$/i.test(serverText)) {
    return 'the Python SDK and FastMCP: give host="0.0.0.0", add this name to allowed_hosts, or set FASTMCP_HTTP_ALLOWED_HOSTS to a JSON list with it';
  }
  if (status === 400) {
    return /^invalid host header/i.test(serverText)
      ? "Starlette's TrustedHostMiddleware: add this name to its allowed_hosts"
      : undefined;
  }
  if (status !== 421 && status !== 403) return undefined;
  const known = hostChecks.find(([wording]) => wording.test(serverText))?.[1];
  if (known !== undefined) return known;
  return status === 421 || hostRefused.test(serverText)
    ? "bind the server to 0.0.0.0, or add this name to its allowed hosts"
    : undefined;
}

/** Messages of a mesh or a proxy in front of the server, which the request did not reach. */
const notTheServer: readonly (readonly [RegExp, string])[] = [
  [/^rbac: access denied/i, "an authorization policy of the service mesh refuses this caller"],
  [/^(jwt |jwks )/i, "the service mesh requires a token before it forwards the request"],
  [/\borigin\b/i, "an Origin check refuses this caller, which sends no Origin, as servers do not"],
];

/**
 * Explains 401 and 403. `auth-required`, which passes with `auth: "per-request"`, needs MCP's own evidence: a
 * `WWW-Authenticate`, a JSON-RPC error, or the metadata of a protected resource at its well-known path.
 * @param proof the evidence found, as a phrase
 */
export function accessFailure(
  { status, method, serverText, sentHeaders }: RefusedRequest,
  proof: string | undefined,
): ProbeFailure {
  const saying = serverText === "" ? "" : `, saying "${serverText}"`;
  const other = notTheServer.find(([wording]) => wording.test(serverText))?.[1];
  if (other === undefined && proof !== undefined) {
    const refused = sentHeaders ? "; it does not take the credentials in its headers" : "";
    return new ProbeFailure(
      "auth-required",
      "never",
      `answers HTTP ${status} (${proof})${refused}`,
    );
  }
  const who =
    other ??
    "without WWW-Authenticate, JSON-RPC error or protected-resource metadata it is probably a proxy, a firewall or a service mesh in front of the MCP server that answers";
  return new ProbeFailure(
    "http-error",
    "few",
    `answers HTTP ${status} to ${method}${saying}; ${who}`,
  );
}
