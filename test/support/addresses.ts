import { createServer, type Server } from "node:net";

import { bridgeName } from "../../lab/cluster/network";
import { run } from "../../lab/exec";

/** An address of this machine that accepts TCP connections. */
export interface Listener {
  /** `host:port`. */
  readonly at: string;
  close(): Promise<void>;
}

/**
 * Listens at an address. The lab's interface gets it for that time, unless the machine already has it.
 *
 * @param own whether the machine already has it
 */
export async function listenAt(address: string, own: boolean): Promise<Listener> {
  if (!own) await run("ip", ["address", "replace", `${address}/32`, "dev", bridgeName]);
  const server: Server = createServer((socket) => socket.end());
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, address, resolve);
  });
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : 0;
  return {
    at: `${address}:${port}`,
    async close() {
      await new Promise<void>((resolve) => server.close(() => resolve()));
      if (!own) await run("ip", ["address", "delete", `${address}/32`, "dev", bridgeName]);
    },
  };
}
