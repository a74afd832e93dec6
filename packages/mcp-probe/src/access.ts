import { ProbeFailure } from "./failure";
import type { RefusedRequest } from "./refused-request";

/**
 * Host checks by what they say, with the server's own switch. They look alike to a caller: a server that was told to
 * listen everywhere still answers for `localhost` only.
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

/** Other refusals of a Host header, whoever wrote the server. */
const hostRefused =
  /\b(invalid|disallowed|blocked)\b.*\bhost\b|\bhost\b.*\b(invalid|not (allowed|permitted)|disallowed|blocked)\b/i;

/** The failure of a Host check, where this answer is one. */
export function hostCheckFailure({
  status,
  url,
  said,
}: Pick<RefusedRequest, "status" | "url" | "said">): ProbeFailure | undefined {
  const own = ownSwitch(status, said);
  if (own === undefined) return undefined;
  const saying = said === "" ? "" : `, saying "${said}"`;
  return new ProbeFailure(
    "http-error",
    "never",
    `refuses the Host header "${url.host}" (HTTP ${status}${saying}); ${own}`,
  );
}

/** How the server's Host check is opened; undefined for an answer that is none. */
function ownSwitch(status: number, said: string): string | undefined {
  if (status === 421 && /^invalid host header$/i.test(said)) {
    return 'the Python SDK and FastMCP: give host="0.0.0.0", add this name to allowed_hosts, or set FASTMCP_HTTP_ALLOWED_HOSTS to a JSON list with it';
  }
  if (status === 400) {
    return /^invalid host header/i.test(said)
      ? "Starlette's TrustedHostMiddleware: add this name to its allowed_hosts"
      : undefined;
  }
  if (status !== 421 && status !== 403) return undefined;
  const known = hostChecks.find(([wording]) => wording.test(said))?.[1];
  if (known !== undefined) return known;
  return status === 421 || hostRefused.test(said)
    ? "bind the server to 0.0.0.0, or add this name to its allowed hosts"
    : undefined;
}

/** What a mesh or a proxy before the server says; the server itself was not asked. */
const notTheServer: readonly (readonly [RegExp, string])[] = [
  [/^rbac: access denied/i, "an authorization policy of the service mesh refuses this caller"],
  [/^(jwt |jwks )/i, "the service mesh wants a token of its own before the server is asked"],
  [/\borigin\b/i, "an Origin check refuses this caller, which sends no Origin, as servers do not"],
];

/**
 * Explains 401 and 403. `auth-required`, which passes with `auth: "per-request"`, is only what MCP has for it: a
 * `WWW-Authenticate`, a JSON-RPC error, or the metadata of a protected resource at its well-known place.
 * @param proof what there is of these; a phrase
 */
export function accessFailure(
  { status, method, said, sentHeaders }: RefusedRequest,
  proof: string | undefined,
): ProbeFailure {
  const saying = said === "" ? "" : `, saying "${said}"`;
  const other = notTheServer.find(([wording]) => wording.test(said))?.[1];
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
    "no WWW-Authenticate, no JSON-RPC error and no protected-resource metadata say that it is the MCP server that wants credentials; a proxy, a firewall or a service mesh before it answers so";
  return new ProbeFailure(
    "http-error",
    "few",
    `answers HTTP ${status} to ${method}${saying}; ${who}`,
  );
}
