import { UserError } from "@mcp-fleet/errors";
import type { CutoverResources } from "@mcp-fleet/operations";

import { exitCodes } from "../exit-codes";

const cutoverType = "pulumi-nodejs:dynamic/mcp-fleet:Cutover";
const settleType = "pulumi-nodejs:dynamic/mcp-fleet:Settle";
const stackType = "pulumi:pulumi:Stack";

/** A resource in state or in a preview. */
export interface StateResource {
  readonly type: string;
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly outputs?: Readonly<Record<string, unknown>>;
}

/**
 * The Cutover and what belongs to it, secrets in clear.
 * @throws UserError when there is none
 */
export function cutoverResources(
  resources: readonly StateResource[],
  outputs?: Readonly<Record<string, unknown>>,
): CutoverResources {
  const of = (type: string): StateResource | undefined =>
    resources.find((resource) => resource.type === type);
  const cutover = of(cutoverType);
  if (cutover === undefined) {
    throw new UserError(
      "The stack has no Cutover, so there are no rows to look at.",
      "Run an update with databaseUrl set and cutover.enabled, or choose another stack with --stack.",
      { exitCode: exitCodes.notFound },
    );
  }
  const settle = of(settleType);
  return {
    cutover: revealed({ ...cutover.inputs, ...cutover.outputs }),
    ...(settle === undefined ? {} : { settle: revealed({ ...settle.inputs, ...settle.outputs }) }),
    outputs: outputs ?? revealed({ ...of(stackType)?.outputs }),
  };
}

/** Secrets in exported state are wrapped: `{ <signature>: …, plaintext: "<JSON>" }`. */
function reveal(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reveal);
  if (typeof value !== "object" || value === null) return value;
  if ("plaintext" in value && typeof value.plaintext === "string") {
    return reveal(JSON.parse(value.plaintext) as unknown);
  }
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, reveal(inner)]));
}

function revealed(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, reveal(inner)]));
}
