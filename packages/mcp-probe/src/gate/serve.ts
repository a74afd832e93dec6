import { createServer, type Server } from "node:http";

import type { GateState } from "./gate";

/**
 * Answers the kubelet: `/ready` and `/live` with 200 or 503, and the gate's sentence.
 * @param state what the gate knows now
 */
export function serveGate(port: number, state: () => GateState): Server {
  const server = createServer(({ url }, response) => {
    const { ready, alive, message } = state();
    const asked = url === "/ready" ? ready : url === "/live" ? alive : undefined;
    const status = asked === undefined ? 404 : asked ? 200 : 503;
    response.writeHead(status, { "content-type": "text/plain; charset=utf-8" });
    response.end(`${message}\n`);
  });
  // The kubelet asks anew each time; whoever else holds a connection open does not fill the process.
  server.maxConnections = 64;
  server.requestTimeout = 5000;
  return server.listen(port);
}
