import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Agent, request as httpsRequest, type RequestOptions } from "node:https";
import type { AddressInfo } from "node:net";

import { KubeConfig } from "@kubernetes/client-node";

/** A way to a cluster's API on which requests are counted. */
export interface CountingProxy {
  /** Content of a kubeconfig that leads over it. */
  readonly kubeconfig: string;
  /** Requests since the last call, and how many of them the API server turned away as too many (HTTP 429). */
  count(): { readonly requests: number; readonly throttled: number };
  stop(): void;
}

/** Passes requests on as the identity of this kubeconfig's context, over connections that stay. */
export async function countingProxy(file: string, context: string): Promise<CountingProxy> {
  const config = new KubeConfig();
  config.loadFromFile(file);
  config.setCurrentContext(context);
  const upstream = new URL(config.getCurrentCluster()?.server ?? "");
  const identity: RequestOptions = {};
  await config.applyToHTTPSOptions(identity);
  const { cert, key, ca } = identity;
  const agent = new Agent({ keepAlive: true, cert, key, ca });
  let requests = 0;
  let throttled = 0;
  const pass = (request: IncomingMessage, response: ServerResponse): void => {
    requests += 1;
    const { method, url: path, headers } = request;
    const to = { host: upstream.hostname, port: upstream.port, method, path, agent };
    const sent = httpsRequest({ ...to, headers: { ...headers, host: upstream.host } }, (answer) => {
      if (answer.statusCode === 429) throttled += 1;
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    sent.on("error", () => response.destroy());
    response.on("close", () => sent.destroy());
    request.pipe(sent);
  };
  const server = createServer(pass);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const through = new KubeConfig();
  // The client takes plain HTTP only where TLS is not asked for.
  through.loadFromClusterAndUser(
    { name: "proxy", server: `http://127.0.0.1:${port}`, skipTLSVerify: true },
    { name: "proxy" },
  );
  return {
    kubeconfig: through.exportConfig(),
    count() {
      const counted = { requests, throttled };
      [requests, throttled] = [0, 0];
      return counted;
    },
    stop() {
      server.close();
      server.closeAllConnections();
      agent.destroy();
    },
  };
}
