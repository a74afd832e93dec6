import { connect, createServer, type Server, type Socket } from "node:net";

import type { Db } from "@mcp-fleet/row-cutover";

/** A statement, and whether something happens before it or `after` its answer arrives. */
export interface Moment {
  readonly statement: string;
  readonly when: "before" | "after";
  /** Only after this statement has passed; for a moment that is held. */
  readonly past?: string;
}

/** The COMMIT of the transaction that moves the rows, and not of one that only reads. */
export const commit = { statement: "commit\0", past: "insert into mcp_cutover.journal" };

/** A connection to the database that can be cut, or blocked, at a chosen statement. */
export class Proxy {
  /** Cuts the connection at this moment, once. */
  cut: Moment | undefined;
  /** Forwards nothing from this moment on, once, until the client disconnects; {@link held} resolves then. */
  hold: Moment | undefined;
  cuts = 0;
  /** Whether new connections are rejected after a cut. */
  closedAfterCut = false;
  /** Resolves when the connection is blocked. */
  readonly held: Promise<void>;
  private tellHeld: () => void = () => undefined;

  private constructor(
    readonly server: Server,
    readonly db: Db,
  ) {
    this.held = new Promise((resolve) => {
      this.tellHeld = resolve;
    });
  }

  /** @param host to listen on */
  static async open(target: string, host = "127.0.0.1"): Promise<Proxy> {
    const url = new URL(target);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    const address = server.address();
    const local = new URL(target);
    local.hostname = host;
    local.port = String(typeof address === "object" && address !== null ? address.port : 0);
    const proxy = new Proxy(server, { connectionString: local.href });
    server.on("connection", (client) => {
      if (proxy.closedAfterCut && proxy.cuts > 0) return client.destroy();
      proxy.join(client, connect(Number(url.port), url.hostname));
    });
    return proxy;
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.server.close(() => resolve()));
  }

  private join(client: Socket, upstream: Socket): void {
    let armed: "cut" | "hold" | undefined;
    let still = false;
    const end = (): void => {
      client.destroy();
      upstream.destroy();
    };
    const act = (what: "cut" | "hold"): void => {
      if (what === "cut") return end();
      still = true;
      this.tellHeld();
    };
    client.on("data", (data) => {
      if (still) return;
      const what = this.take(data);
      if (what?.moment.when === "before") return act(what.kind);
      armed = what?.kind ?? armed;
      upstream.write(data);
    });
    upstream.on("data", (data) => {
      if (armed !== undefined) act(armed);
      else if (!still) client.write(data);
    });
    for (const socket of [client, upstream]) {
      socket.on("error", end);
      socket.on("close", end);
    }
  }

  /** What must happen at this part of the traffic. It happens once. */
  private take(data: Buffer): { kind: "cut" | "hold"; moment: Moment } | undefined {
    const { cut, hold } = this;
    if (cut !== undefined && isSent(data, cut.statement)) {
      this.cut = undefined;
      this.cuts += 1;
      return { kind: "cut", moment: cut };
    }
    if (hold?.past !== undefined) {
      if (data.includes(hold.past)) this.hold = { statement: hold.statement, when: hold.when };
      return undefined;
    }
    if (hold !== undefined && isSent(data, hold.statement)) {
      this.hold = undefined;
      return { kind: "hold", moment: hold };
    }
    return undefined;
  }
}

/** Whether a statement is executed; a run first has some explained. */
function isSent(data: Buffer, statement: string): boolean {
  return data.includes(statement) && !data.includes("explain ");
}
