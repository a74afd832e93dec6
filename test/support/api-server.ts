import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { connectKube, type Kube } from "@mcp-fleet/kube";

/** A minimal API server, for behaviour that a real one shows only when it fails. */
export interface StubApi {
  readonly url: string;
  /** Paths with their queries, in the order of the requests. */
  readonly asked: readonly string[];
  /** Content of a kubeconfig for it. */
  readonly kubeconfig: string;
  kube(): Promise<Kube>;
  /** Closes every connection and accepts no more. */
  die(): void;
}

export async function stubApi(
  answer: (request: IncomingMessage, response: ServerResponse, url: URL) => void,
): Promise<StubApi> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    answer(request, response, new URL(request.url ?? "", "http://stub"));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // A forgotten stub must not keep the test run alive.
  server.unref();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const kubeconfig = JSON.stringify({
    clusters: [{ name: "c", cluster: { server: url, "insecure-skip-tls-verify": true } }],
    users: [{ name: "u", user: { token: "s3cret-token" } }],
    contexts: [{ name: "stub", context: { cluster: "c", user: "u", namespace: "n" } }],
    "current-context": "stub",
  });
  return {
    url,
    asked,
    kubeconfig,
    kube: () => connectKube({}, { kubeconfig }),
    die() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Answers one JSON document. */
export function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}
