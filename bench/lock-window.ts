import { connect, createServer } from "node:net";

/**
 * A way to the database that sees how long a table is locked: from the LOCK statement on its way to the answer of
 * the COMMIT that follows.
 */
export async function measureLock(
  url: string,
  use: (url: string) => Promise<unknown>,
): Promise<number> {
  const target = new URL(url);
  let locked: number | undefined;
  let committing = false;
  let seconds = 0;
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        client.destroy();
        upstream.destroy();
      });
    }
    client.on("data", (data) => {
      if (data.includes("lock table")) locked = performance.now();
      committing ||= locked !== undefined && data.includes("commit\0");
      upstream.write(data);
    });
    upstream.on("data", (data) => {
      if (committing && locked !== undefined) {
        seconds = (performance.now() - locked) / 1000;
        locked = undefined;
      }
      client.write(data);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const through = new URL(url);
  through.hostname = "127.0.0.1";
  through.port = String(typeof address === "object" && address !== null ? address.port : 0);
  try {
    await use(through.href);
  } finally {
    server.close();
  }
  return seconds;
}
