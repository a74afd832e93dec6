import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

const timeoutMs = 5000;
/** The message that asks a PostgreSQL server to start TLS: length 8, code 80877103. */
const sslRequest = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);

/**
 * When the certificate of an endpoint expires, in Unix seconds. The certificate is only read: nothing is sent
 * over the connection, so an unknown issuer does not matter.
 * @throws Error when there is no TLS within 5 s.
 */
export async function certificateEnd(endpoint: string): Promise<number> {
  const { host, port, postgresql } = addressOf(endpoint);
  const socket = connectTcp({ host, port });
  socket.setTimeout(timeoutMs, () => socket.destroy(new Error("no answer within 5 s")));
  try {
    if (postgresql) await startTls(socket);
    return await peerCertificateEnd(socket, host);
  } finally {
    socket.destroy();
  }
}

function addressOf(endpoint: string): { host: string; port: number; postgresql: boolean } {
  const url = new URL(endpoint.includes("://") ? endpoint : `tls://${endpoint}`);
  const postgresql = /^postgres(ql)?:$/.test(url.protocol);
  const port = url.port === "" ? (postgresql ? 5432 : 443) : Number(url.port);
  return { host: url.hostname.replace(/^\[|\]$/g, ""), port, postgresql };
}

function startTls(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once("data", (answer: Buffer) => {
      if (answer.toString("latin1") === "S") resolve();
      else reject(new Error("the database takes no TLS"));
    });
    socket.write(sslRequest);
  });
}

function peerCertificateEnd(socket: Socket, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    const isName = !/^[\d.]+$|:/.test(host);
    const tls = connectTls({
      socket,
      rejectUnauthorized: false,
      ...(isName ? { servername: host } : {}),
    });
    tls.once("error", reject);
    tls.once("secureConnect", () => {
      resolve(Math.floor(Date.parse(tls.getPeerCertificate().valid_to) / 1000));
    });
  });
}
