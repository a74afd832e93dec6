import type { CutoverInputs, SettleInputs } from "@mcp-fleet/cutover-runner";
import { UserError } from "@mcp-fleet/errors";
import { z } from "zod";

/**
 * What the day-two commands need from a stack: the inputs of its Cutover as last applied (or, for a plan, as the
 * next update would apply them), and the stack's outputs. Its headers may be secret.
 */
export interface Fleet extends Pick<
  CutoverInputs,
  "target" | "spec" | "probe" | "targets" | "kubernetes" | "database"
> {
  /** The stack's output `servers`: URL by server key. */
  readonly servers: Readonly<Record<string, string>>;
  /** The generation in the state; the ledger is authoritative. Absent for a plan. */
  readonly generation?: number;
  readonly probeRuns?: readonly { consumer: string; startedAt: string; completedAt: string }[];
  /** The application's Deployments that read the rows. */
  readonly workloads: SettleInputs["workloads"];
}

const text = z.string();
const strings = z.array(text);
const key = z.union([text, strings]);
const headers = z.record(text, text);
const kept = z.record(text, headers);

const spec = z.looseObject({
  name: text,
  table: z.looseObject({ schema: text, table: text, key: strings, config: text }),
  rows: z.array(
    z.looseObject({
      ...{ key, url: text, transport: text },
      ...{ headers: headers.optional(), headersFrom: kept.optional() },
    }),
  ),
  deferred: z.array(key),
  skip: z.array(key),
  softReferences: z.array(z.looseObject({ table: text })),
  onConflict: z.enum(["fail", "keep", "force"]),
  fence: z.boolean(),
});

const probe = z.looseObject({
  from: z.enum(["cluster", "here"]),
  namespace: text,
  consumers: z.array(z.looseObject({ name: text, labels: headers })),
});

const database = z.looseObject({ connect: z.union([z.literal("direct"), z.looseObject({})]) });

const fleet = z.object({
  target: z.enum(["in-cluster", "embedded"]),
  spec,
  probe,
  targets: z.array(
    z.looseObject({
      ...{ name: text, url: text, headers: headers.optional() },
      ...{ headersFrom: kept.optional(), caFrom: headers.optional() },
    }),
  ),
  kubernetes: z.looseObject({}),
  database,
  servers: z.record(text, text).default({}),
  generation: z.number().optional(),
  probeRuns: z
    .array(z.object({ consumer: text, startedAt: text, completedAt: text }))
    .optional()
    .catch(undefined),
  workloads: z.array(z.object({ namespace: text, deployment: text })).default([]),
});

/**
 * @param from the source, for the message
 * @throws UserError naming the first missing part, and no value
 */
export function parseFleet(value: unknown, from: string): Fleet {
  const parsed = fleet.safeParse(value);
  if (parsed.success) return parsed.data as unknown as Fleet;
  const path = parsed.error.issues[0]?.path.join(".") ?? "";
  throw new UserError(
    `The description of the cutover in ${from} is invalid: ${path === "" ? "it" : path} is missing or of another type.`,
    "Run an update with this version of mcp-fleet, or give the file that it wrote.",
  );
}

/** The resources that a {@link Fleet} is made from, with secrets in plain text. */
export interface CutoverResources {
  readonly cutover: Readonly<Record<string, unknown>>;
  readonly settle?: Readonly<Record<string, unknown>>;
  readonly outputs: Readonly<Record<string, unknown>>;
}

/** @throws UserError when another version wrote them */
export function fleetOf({ cutover, settle, outputs }: CutoverResources, from: string): Fleet {
  return parseFleet({ ...cutover, workloads: settle?.workloads, servers: outputs.servers }, from);
}
