import { isIP } from "node:net";

import { UserError } from "@mcp-fleet/errors";

import { parseTarget } from "../targets";
import type { FileTarget, ProbeTarget } from "../types";

/**
 * When the server is asked: `start` after each start of its process, `always` every {@link GateSettings.intervalSeconds}
 * too.
 */
type GateCheck = "start" | "always";

/** What the gate of one pod does. */
export interface GateSettings {
  /** The pod's own server, by the URL that its clients use. */
  readonly target: ProbeTarget;
  /** The same with its files as they are now: a certificate's authority may be renewed. @throws {UserError} */
  readonly current: () => ProbeTarget;
  readonly check: GateCheck;
  /** Where the kubelet asks the gate. */
  readonly port: number;
  /** Seconds between two questions of `always`. @default 10 */
  readonly intervalSeconds: number;
  /**
   * A server that has answered once and then does not for so many seconds is said to be dead, so that the kubelet restarts
   * it. @default never
   */
  readonly restartSeconds?: number;
}

/** What MCP_PROBE_GATE holds, as JSON. */
export interface GateInput extends Pick<GateSettings, "check" | "port"> {
  readonly target: FileTarget;
  readonly intervalSeconds?: number;
  readonly restartSeconds?: number | undefined;
}

const defaultIntervalSeconds = 10;

/** Longer than any list of tools that a pod's definition can hold, in characters. */
const maxCharacters = 1024 * 1024;

/**
 * Reads what the gate is to do.
 * @param text JSON: `{target, check, port, intervalSeconds?, restartSeconds?}`
 * @param address the pod's own IP address
 * @throws {UserError} naming the first thing that is wrong
 */
export function parseGate(text: string, address: string): GateSettings {
  if (text.length > maxCharacters) throw wrong("is too long");
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw wrong("is not JSON");
  }
  if (typeof parsed !== "object" || parsed === null) throw wrong("is no object");
  const settings = parsed as Record<string, unknown>;
  const {
    target,
    check,
    port,
    intervalSeconds = defaultIntervalSeconds,
    restartSeconds,
  } = settings;
  if (check !== "start" && check !== "always")
    throw wrong('has a check that is neither "start" nor "always"');
  if (!(Number.isInteger(port) && Number(port) >= 1 && Number(port) <= 65_535))
    throw wrong("has no port");
  if (isIP(address) === 0) throw wrong("comes without the pod's address in POD_IP");
  const current = (): ProbeTarget => ({ ...parseTarget(target, 0), address });
  return {
    ...{ target: current(), current },
    check,
    port: Number(port),
    intervalSeconds: above0("intervalSeconds", intervalSeconds),
    ...(restartSeconds === undefined
      ? {}
      : { restartSeconds: above0("restartSeconds", restartSeconds) }),
  };
}

function above0(key: string, value: unknown): number {
  if (typeof value !== "number" || !(value > 0)) throw wrong(`has a ${key} that is not above 0`);
  return value;
}

function wrong(what: string): UserError {
  return new UserError(
    `What MCP_PROBE_GATE says ${what}.`,
    'Give JSON such as {"target":{"name":"github","url":"http://github:8000/mcp"},"check":"start","port":9901}.',
    { exitCode: 2 },
  );
}
