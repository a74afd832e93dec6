import { createServer, type Server } from "node:http";

import { messageOf, UserError } from "@mcp-fleet/errors";

import type { GateState } from "./gate";

/**
 * Answers the kubelet: `/ready` and `/live` with 200 or 503, and the gate's sentence.
 * @param state what the gate knows now
 * @throws {UserError} when it cannot listen at the port
 */
export function serveGate(port: number, state: () => GateState): Promise<Server> {
  // Without the interval a silent connection is looked for every 30 seconds only.
  const server = createServer({ connectionsCheckingInterval: 1000 }, ({ url }, response) => {
    const { ready, alive, message } = state();
    const asked = url === "/ready" ? ready : url === "/live" ? alive : undefined;
    const status = asked === undefined ? 404 : asked ? 200 : 503;
    response.writeHead(status, { "content-type": "text/plain; charset=utf-8" });
    response.end(`${message}\n`);
  });
  // The kubelet asks anew each time; whoever else holds a connection open does not fill the process.
  server.maxConnections = 64;
  server.requestTimeout = 5000;
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(cannotListen(port, error)));
    server.listen(port, () => resolve(server));
  });
}

function cannotListen(port: number, error: Error): UserError {
  return new UserError(
    `The gate cannot listen at port ${port}: ${messageOf(error)}.`,
    "Give the port to the gate alone: another container of the pod listens there, or, with hostNetwork, another pod of the node.",
    { exitCode: 2 },
  );
}
