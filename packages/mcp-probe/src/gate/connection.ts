import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** How long a connection within a pod may take, in milliseconds: longer only where the process is stopped. */
const connectMs = 5000;
/** Between two connections, in milliseconds: shorter than the start of any process. */
const pauseMs = 500;

/** Where the server listens. */
interface Place {
  readonly host: string;
  readonly port: number;
  /** Whether it speaks TLS there. */
  readonly secure: boolean;
}

/**
 * Returns when nothing listens at the port any more, as between the end of a server's process and the start of the next one.
 * Connections are what is looked at, one after the other, and nothing is asked over them.
 * @throws the signal's reason when it is aborted
 */
export async function whileListening(place: Place, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    const ended = await tried(place, signal);
    signal.throwIfAborted();
    if (ended === "refused") return;
    await sleep(pauseMs, undefined, { signal });
  }
}

/** How a connection came to its end; `refused` where nothing listens. A process that is stopped listens. */
function tried({ host, port, secure }: Place, signal: AbortSignal): Promise<"closed" | "refused"> {
  return new Promise((resolve) => {
    let ended: "closed" | "refused" = "closed";
    const socket = connect({ host, port, timeout: connectMs });
    // `connect` has an option for the signal, and leaves a listener for each connection.
    const abort = (): void => void socket.destroy();
    signal.addEventListener("abort", abort);
    socket.once("connect", () => {
      socket.setTimeout(0);
      // A server that serves one connection at a time would wait for our question, and serve nobody. One that speaks TLS
      // may print that a handshake was cut: there the connection is held until the server closes it.
      if (!secure) socket.end();
    });
    socket.once("timeout", abort);
    socket.on("error", ({ code }: NodeJS.ErrnoException) => {
      if (code === "ECONNREFUSED") ended = "refused";
    });
    socket.once("close", () => {
      signal.removeEventListener("abort", abort);
      resolve(ended);
    });
    socket.resume();
  });
}
