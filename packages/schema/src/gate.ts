import { jsonForEnv } from "@mcp-fleet/errors";
import { z } from "zod";

import { seconds } from "./fields";

/** Name of the gate's container in a server's pod. */
export const gateContainer = "mcp-gate";

/** What of a gate's variable its tools may take, in bytes: Linux refuses one of more than 128 KiB. */
const maxTools = 120 * 1024;

/** Whether a gate can have this in its variable, as that is written. */
export const fitsGate = (tools: unknown): boolean =>
  Buffer.byteLength(jsonForEnv(tools)) <= maxTools;

/** Where the kubelet asks the gate, if the server has no port of that number. */
const firstGatePort = 9901;

const check = z.enum(["start", "always"]);

/** What a server's gate does. */
export const gate = z.union([
  z.enum(["off", ...check.options]),
  z.strictObject({
    check: check.meta({
      description:
        "start: the server is asked after each start of its process; always: every 10 seconds too.",
      examples: ["always"],
    }),
    restartSeconds: seconds.optional().meta({
      description:
        "With check: always, a server that has passed and then does not answer for so many seconds is restarted, also one that is busy. Default: never.",
      examples: [120],
    }),
  }),
]);

/** A gate with everything decided; undefined where the server has none. */
export interface Gate {
  readonly check: "start" | "always";
  readonly restartSeconds?: number | undefined;
  readonly port: number;
}

/** What of a server decides about its gate. */
interface GatedServer {
  readonly gate: z.output<typeof gate>;
  readonly port?: number | undefined;
  readonly ports: Readonly<Record<string, { readonly port: number }>>;
}

export function gateOf(own: GatedServer): Gate | undefined {
  if (own.gate === "off") return undefined;
  const taken = new Set([own.port, ...Object.values(own.ports).map(({ port }) => port)]);
  let port = firstGatePort;
  while (taken.has(port)) port += 1;
  return { ...(typeof own.gate === "string" ? { check: own.gate } : own.gate), port };
}
