import { createServer } from "node:net";

/** Below the ports that Linux gives to outgoing connections (32768-60999) and those of NodePorts (30000-32767). */
const lowest = 20_000;
const count = 10_000;

/**
 * A free port of 127.0.0.1. The kernel does not assign it to a connection in the meantime, so a server may use
 * it later, or again after a stop.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = lowest + Math.floor(Math.random() * count);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer().once("error", () => done(false));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () =>
      server.close(() => done(true)),
    );
  });
}
