import { causes } from "./causes";
import { certificateTrouble } from "./certificate";
import { notMcp, ProbeFailure, type Retry, seconds } from "./failure";

/** The target and the limits of a request. */
export interface Sent {
  readonly signal: AbortSignal;
  readonly seconds: number;
  readonly what: "deadline" | "limit of one request";
  /** Whether the URL is an https one. */
  readonly secure: boolean;
  /** Whether a server that closed a plain connection speaks TLS on the same port. */
  readonly speaksTls?: boolean;
  /** Whether an authority is configured for the target. */
  readonly ownAuthority?: boolean;
  /** Whether it went to the pod's own address instead of a Service. */
  readonly ownAddress?: boolean;
}

const closed = "closes the connection without an answer";

const refusedByPod =
  "refuses the connection at the pod's own address: it has not started, or listens on another port or on loopback only";

/** By the system's or undici's code. */
const networkReasons: Readonly<Record<string, string>> = {
  ECONNREFUSED:
    "refuses the connection; no ready pod is behind the Service, or the server listens on another port or on loopback only",
  ENOTFOUND: "cannot be found: its host name does not resolve from here",
  EAI_AGAIN: "cannot be found: the name server gave no answer for its host name",
  EHOSTUNREACH: "cannot be reached: there is no route to its address",
  ENETUNREACH: "cannot be reached: there is no route to its network",
  ECONNRESET: closed,
  EPIPE: closed,
  UND_ERR_SOCKET: closed,
};

const plain =
  "does not speak TLS there; use http:// in its URL, or have the server serve TLS (tls of the server says which)";

/** By OpenSSL's code; the first one that it contains. */
const tlsReasons: readonly (readonly [string, string])[] = [
  [
    "NO_APPLICATION_PROTOCOL",
    "speaks HTTP/2 only there; MCP clients send HTTP/1.1, so let it take that too",
  ],
  [
    "CERTIFICATE_REQUIRED",
    "requires a client certificate, as a service mesh or a proxy does; MCP clients have none",
  ],
  ["PROTOCOL_VERSION", "supports only outdated TLS versions there; it needs TLS 1.2 or 1.3"],
  ["WRONG_VERSION_NUMBER", plain],
  ["PACKET_LENGTH_TOO_LONG", plain],
  [
    "HANDSHAKE_FAILURE",
    "ends the TLS handshake; it may require a client certificate, which MCP clients do not have, or no cipher is shared",
  ],
];

/** Converts an error of `fetch`, or of reading its body, to a {@link ProbeFailure}. */
export function networkFailure(error: unknown, sent: Sent): ProbeFailure {
  if (error instanceof ProbeFailure) return error;
  const code = codeOf(error);
  if (sent.signal.aborted || code === "UND_ERR_CONNECT_TIMEOUT" || code === "ETIMEDOUT") {
    return new ProbeFailure(
      "timeout",
      "until-deadline",
      `gives no answer within ${seconds(sent.seconds)}, the ${sent.what}; the server hangs, or a NetworkPolicy drops the connection`,
    );
  }
  const parse = causeCalled(error, "HTTPParserError");
  if (parse !== undefined) return notMcp(notHttp(parse));
  if (code === "UND_ERR_HEADERS_OVERFLOW") {
    return notMcp(
      "answers with more than 16 KiB of HTTP headers, the most that clients in JavaScript read",
    );
  }
  const unreachable = (retry: Retry, reason: string): ProbeFailure =>
    new ProbeFailure("unreachable", retry, reason);
  if (code === "EPROTO" || code.startsWith("ERR_SSL")) {
    const known = tlsReasons.find(([part]) => code.includes(part))?.[1];
    return unreachable("never", known ?? `ends the TLS handshake (${code})`);
  }
  const certificate = certificateTrouble(error, code, sent.ownAuthority === true);
  if (certificate !== undefined) return unreachable("never", certificate);
  if (causeSaying(error, "bad port")) {
    return unreachable(
      "never",
      "cannot be asked: its port is one that the fetch standard blocks, so clients in JavaScript cannot use it either",
    );
  }
  const reason = networkReasons[code];
  if (code === "ECONNREFUSED" && sent.ownAddress === true)
    return unreachable("until-deadline", refusedByPod);
  if (reason === closed) return unreachable("until-deadline", closed + whyClosed(sent));
  if (reason !== undefined) return unreachable("until-deadline", reason);
  // An unknown error's message may quote a header, so only its code is shown.
  return unreachable("until-deadline", `cannot be reached${code === "" ? "" : ` (${code})`}`);
}

/** Whether the server closed the connection, possibly because it expects TLS. */
export function wasClosed(error: unknown): boolean {
  return networkReasons[codeOf(error)] === closed;
}

function whyClosed({ secure, speaksTls = false }: Sent): string {
  if (speaksTls) {
    return ", and speaks TLS there; use https:// in its URL (tls of the server), or make the caller a member of the service mesh that wants TLS";
  }
  return secure ? "; it may want a client's certificate, which MCP clients have not" : "";
}

/** The protocol that the first bytes belong to when they are not HTTP/1.1. */
function notHttp(error: Error): string {
  const data: unknown = "data" in error ? error.data : undefined;
  const bytes = Buffer.from(typeof data === "string" || Buffer.isBuffer(data) ? data : "");
  // A frame of HTTP/2: 3 bytes of length, type SETTINGS, flags, and stream id 0.
  if (bytes.length >= 9 && bytes[3] === 4 && bytes.readUInt32BE(5) === 0) {
    return "speaks HTTP/2 only there; MCP clients send HTTP/1.1, so let it take that too";
  }
  // A TLS record: an alert of version 3.
  if (bytes[0] === 0x15 && bytes[1] === 3)
    return "speaks TLS there; use https:// in its URL (tls of the server)";
  return "answers with something that is not HTTP";
}

/** The system's or undici's code; of several addresses that were tried, the first one's. */
function codeOf(error: unknown): string {
  for (const at of causes(error)) if ("code" in at && typeof at.code === "string") return at.code;
  return "";
}

function causeCalled(error: unknown, name: string): Error | undefined {
  for (const at of causes(error)) if (at.name === name) return at;
  return undefined;
}

function causeSaying(error: unknown, message: string): boolean {
  for (const at of causes(error)) if (at.message === message) return true;
  return false;
}
