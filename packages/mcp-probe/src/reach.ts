import { connect, isIP } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import { cleanLine, UserError } from "@mcp-fleet/errors";

/** An address to try. */
export interface Endpoint {
  /** Its name in results. */
  readonly name: string;
  /** An IP address, because a pod without network access cannot resolve names. */
  readonly host: string;
  readonly port: number;
}

/** Whether an endpoint accepts TCP connections from here. */
export interface Reached {
  readonly name: string;
  /** `host:port`. */
  readonly at: string;
  readonly reachable: boolean;
}

/** Time limit of a connection in seconds: some network plugins silently drop what a policy denies. */
const connectSeconds = 3;
/** Seconds until an open endpoint is tried again: a plugin may apply policies to a new pod late. */
const againSeconds = 3;
const maxEndpoints = 1000;
const atOnce = 64;

/** Tries all endpoints. One counts as reachable when it accepts two connections, some seconds apart. */
export async function reach(endpoints: readonly Endpoint[]): Promise<Reached[]> {
  const results: Reached[] = [];
  const waiting = endpoints.entries();
  const worker = async (): Promise<void> => {
    for (const [index, { name, host, port }] of waiting) {
      const reachable = (await connects(host, port)) && (await connectsAgain(host, port));
      const at = `${host.includes(":") ? `[${host}]` : host}:${port}`;
      results[index] = { name: cleanLine(name), at, reachable };
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, endpoints.length) }, worker));
  return results;
}

/** The size limit of a termination message, in bytes (Kubernetes: 4096). */
const maxSummaryBytes = 4000;

/** The results in a line that fits into a termination message: the endpoints tried, and the reachable ones. */
export function summaryOf(results: readonly Reached[]): string {
  const reachable = results.filter((one) => one.reachable).map(({ name }) => name);
  const tried = results.map(({ name }) => name);
  const text = JSON.stringify({ tried, reachable });
  return Buffer.byteLength(text) <= maxSummaryBytes
    ? text
    : JSON.stringify({ tried: reachable, reachable: reachable.slice(0, 30) });
}

async function connectsAgain(host: string, port: number): Promise<boolean> {
  await sleep(againSeconds * 1000);
  return connects(host, port);
}

function connects(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (connected: boolean): void => {
      socket.destroy();
      resolve(connected);
    };
    socket.setTimeout(connectSeconds * 1000, () => {
      end(false);
    });
    socket.once("connect", () => {
      end(true);
    });
    socket.once("error", () => {
      end(false);
    });
  });
}

/**
 * Parses the input of `mcp-probe reach`: a JSON array of {@link Endpoint}. Hosts that are not addresses are
 * omitted, such as the "None" of a headless Service.
 * @throws {UserError} when it is not such an array
 */
export function parseEndpoints(text: string): Endpoint[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw wrong("is not JSON");
  }
  if (!Array.isArray(parsed)) throw wrong("is no array");
  if (parsed.length > maxEndpoints) throw wrong(`has more than ${maxEndpoints} entries`);
  return parsed.map(parseEndpoint).filter(({ host }) => isIP(host) !== 0);
}

function parseEndpoint(value: unknown, index: number): Endpoint {
  const { name, host, port } = (value ?? {}) as Partial<Record<keyof Endpoint, unknown>>;
  if (typeof name !== "string" || name === "") throw wrong(`has no name at [${index}]`);
  if (typeof host !== "string") throw wrong(`has no host at [${index}]`);
  if (typeof port !== "number" || !Number.isInteger(port) || port < 1 || port > 65_535)
    throw wrong(`has no port at [${index}]`);
  return { name, host, port };
}

function wrong(what: string): UserError {
  return new UserError(
    `The list of endpoints to try ${what}.`,
    'Give JSON such as [{"name":"github","host":"10.0.0.7","port":8000}] in MCP_PROBE_ENDPOINTS.',
    { exitCode: 2 },
  );
}
