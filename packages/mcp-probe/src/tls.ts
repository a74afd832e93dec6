import { connect } from "node:tls";

/** Time limit for a server's first bytes of TLS, in milliseconds. */
const limitMs = 1000;

/**
 * Whether a server that closed a plain connection speaks TLS on the same port: it completes a handshake or
 * answers with an alert. Nothing is sent over the connection, and its certificate does not matter.
 */
export function speaksTls({ hostname, port }: URL): Promise<boolean> {
  const host = hostname.replace(/^\[|\]$/g, ""); // an IPv6 address
  return new Promise((resolve) => {
    const socket = connect({
      host,
      port: Number(port === "" ? 80 : port),
      rejectUnauthorized: false,
    });
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(limitMs, () => end(false));
    socket.once("secureConnect", () => end(true));
    socket.once("error", ({ code = "" }: NodeJS.ErrnoException) =>
      end(code.startsWith("ERR_SSL") && code.includes("ALERT")),
    );
    socket.once("close", () => end(false));
  });
}
