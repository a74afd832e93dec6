import { createServer, type Server } from "node:net";

import { bridgeName } from "../../lab/cluster/network";
import { run } from "../../lab/exec";

/** An address of this machine that takes TCP connections. */
export interface Listener {
  /** `host:port`. */
  readonly at: string;
  close(): Promise<void>;
}

/**
 * Listens at an address, which the lab's interface gets for that time unless the machine has it.
 *
 * @param own whether it is the machine's already
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
