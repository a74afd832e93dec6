import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createHttp, type RequestListener } from "node:http";
import { createSecureServer as createHttp2 } from "node:http2";
import { createServer as createHttps } from "node:https";
import { type AddressInfo, createServer as createTcp, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { probe, type ProbeResult } from "@mcp-fleet/mcp-probe";

const quick = { deadlineSeconds: 1, requestTimeoutSeconds: 1, retryDelaySeconds: 0.3 };

/** An untrusted certificate for 127.0.0.1. */
function certificate(): { key: Buffer; cert: Buffer } {
  const directory = mkdtempSync(join(tmpdir(), "mcp-probe-tls-"));
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  try {
    execFileSync(
      "openssl",
      ["req", "-x509", ...key, "-subj", "/CN=x", "-keyout", "k", "-out", "c", "-days", "2"],
      { cwd: directory, stdio: "pipe" },
    );
    return {
      key: readFileSync(join(directory, "k")),
      cert: readFileSync(join(directory, "c")),
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Answers the first bytes of every connection with these. */
const saying = (hex: string): Server =>
  createTcp((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.end(Buffer.from(hex, "hex")));
  });

const settingsFrame = "000012040000000000000300000064000400100000000600040000";
const tlsAlert = "15030100020246";
const page: RequestListener = (_request, response) => void response.end("hello");

describe("mcp-probe says what a port speaks instead (issue 18, item 8)", () => {
  const open: Server[] = [];
  const tls = certificate();

  afterEach(() => {
    for (const server of open.splice(0)) server.close();
  });

  async function asked(server: Server, scheme = "http"): Promise<ProbeResult> {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    open.push(server);
    const { port } = server.address() as AddressInfo;
    return probe({ name: "own", url: `${scheme}://127.0.0.1:${port}/mcp` }, quick);
  }

  const cases: [string, () => Server, "http" | "https", RegExp][] = [
    ["HTTP/2 only, in clear", () => saying(settingsFrame), "http", /speaks HTTP\/2 only there/],
    [
      "HTTP/2 only, over TLS",
      () => createHttp2({ ...tls, allowHTTP1: false }),
      "https",
      /speaks HTTP\/2 only there/,
    ],
    [
      "TLS where the URL says http",
      () => createHttps(tls, page),
      "http",
      /closes the connection without an answer, and speaks TLS there; use https:\/\//,
    ],
    ["a TLS alert", () => saying(tlsAlert), "http", /speaks TLS there; use https:\/\//],
    [
      "HTTP that says it wants TLS",
      () =>
        createHttp((_request, response) =>
          response.writeHead(400).end("Client sent an HTTP request to an HTTPS server."),
        ),
      "http",
      /speaks TLS there \(HTTP 400, saying "Client sent an HTTP request.*use https:\/\//,
    ],
    [
      "plain text where the URL says https",
      () => createHttp(page),
      "https",
      /does not speak TLS there; use http:\/\//,
    ],
    [
      "a certificate that nobody trusts",
      () => createHttps(tls, page),
      "https",
      /presents a certificate that is not trusted here \(DEPTH_ZERO_SELF_SIGNED_CERT\)/,
    ],
    [
      "another protocol",
      () => saying(Buffer.from("SSH-2.0-OpenSSH_9.2\r\n").toString("hex")),
      "http",
      /answers with something that is not HTTP/,
    ],
    [
      "nothing: it closes the connection",
      () => saying(""),
      "http",
      /closes the connection without an answer \(\d attempts/,
    ],
    [
      "HTTP with 40 KiB of headers",
      () =>
        createHttp((_request, response) => {
          response.setHeader("x-large", "y".repeat(40_000)).end("hello");
        }),
      "http",
      /more than 16 KiB of HTTP headers/,
    ],
  ];
  for (const [what, server, scheme, message] of cases) {
    it(what, async () => {
      const result = await asked(server(), scheme);
      assert.equal(result.ok, false);
      assert.match(result.message, message);
    });
  }
});
