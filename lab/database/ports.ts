import { connect, createServer } from "node:net";

import { UserError } from "@mcp-fleet/errors";

import { paths } from "../paths";

/**
 * Below the ports that Linux and macOS give to outgoing connections, and below those of NodePorts. Each installation
 * has one of its own, so that two which start at once do not take the same.
 */
const defaultPort = 25_432 + Number(paths.installationNumber ?? 0);

/** `LAB_PG_PORT`, when it is set. */
export function envPort(): number | undefined {
  const given = process.env.LAB_PG_PORT ?? "";
  if (given === "") return undefined;
  const port = Number(given);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new UserError(`LAB_PG_PORT is "${given}".`, "Set it to a port number, or leave it out.");
}

/**
 * A port that is free on all `addresses`: the given one, else the one used before, else 25432, else the next free one.
 *
 * @throws UserError when the given one is taken or an address is not this machine's.
 */
export async function choosePort(
  given: number | undefined,
  before: number | undefined,
  addresses: readonly string[],
): Promise<number> {
  if (given !== undefined) {
    if (await isFree(given, addresses)) return given;
    throw new UserError(
      `Port ${given} for the lab's PostgreSQL is taken.`,
      "Set LAB_PG_PORT to a free port, or leave it out to have one chosen.",
    );
  }
  for (const port of [before ?? defaultPort, defaultPort]) {
    if (await isFree(port, addresses)) return port;
  }
  return freePort(addresses);
}

async function freePort(addresses: readonly string[]): Promise<number> {
  for (let port = defaultPort + 1; port < defaultPort + 200; port += 1) {
    if (await isFree(port, addresses)) return port;
  }
  throw new UserError(
    `No port from ${defaultPort} to ${defaultPort + 199} is free for the lab's PostgreSQL.`,
    "Set LAB_PG_PORT to a free port.",
  );
}

/** Free on all addresses: nothing answers there, and we may listen there. */
async function isFree(port: number, addresses: readonly string[]): Promise<boolean> {
  for (const address of addresses) {
    if (await answers(port, address)) return false;
    const problem = await listenError(port, address);
    if (problem === "EADDRNOTAVAIL") {
      throw new UserError(
        `${address} is not an address of this machine, so PostgreSQL cannot listen there.`,
        "Start the lab's cluster first: it brings the address.",
      );
    }
    if (problem !== undefined) return false;
  }
  return true;
}

function answers(port: number, host: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ port, host, timeout: 1000 });
    const end = (result: boolean) => (): void => {
      socket.destroy();
      done(result);
    };
    socket.once("connect", end(true)).once("error", end(false)).once("timeout", end(false));
  });
}

function listenError(port: number, host: string): Promise<string | undefined> {
  return new Promise((done) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => done(error.code ?? "unknown"));
    server.listen({ port, host, exclusive: true }, () => server.close(() => done(undefined)));
  });
}
