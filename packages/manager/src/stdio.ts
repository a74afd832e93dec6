import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";

import { createManager, type ManagerOptions } from "./server";

/** Serves the manager on standard input and output until the client closes the input or `signal` is aborted. */
export async function serveStdio(options: ManagerOptions, signal: AbortSignal): Promise<void> {
  const manager = createManager(options);
  const ended = new Promise<void>((resolve) => {
    process.stdin.once("end", resolve);
    signal.addEventListener("abort", () => resolve());
  });
  await manager.connect(new StdioServerTransport());
  await ended;
  await manager.close();
}
