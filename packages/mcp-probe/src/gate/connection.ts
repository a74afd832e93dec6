import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** How long a connection within a pod may take, in milliseconds: longer only where the process is stopped. */
const connectMs = 5000;
/** Between two connections, in milliseconds: a server may close one that says nothing at once. */
const pauseMs = 250;

/**
 * Returns when nothing listens at the port any more, as between the end of a server's process and the start of the next one.
 * One connection is held open and says nothing: its end is what is seen, without a question.
 * @throws the signal's reason when it is aborted
 */
export async function whileListening(
  host: string,
  port: number,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    const ended = await held(host, port, signal);
    signal.throwIfAborted();
    if (ended === "refused") return;
    await sleep(pauseMs, undefined, { signal });
  }
}

/** How a connection came to its end; `refused` where it was never made. */
function held(host: string, port: number, signal: AbortSignal): Promise<"closed" | "refused"> {
  return new Promise((resolve) => {
    let connected = false;
    const socket = connect({ host, port, signal, timeout: connectMs });
    socket.once("connect", () => {
      connected = true;
      socket.setTimeout(0);
    });
    socket.once("timeout", () => socket.destroy());
    socket.on("error", () => undefined);
    socket.once("close", () => resolve(connected ? "closed" : "refused"));
    socket.resume();
  });
}
