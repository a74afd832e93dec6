import { UserError } from "@mcp-fleet/errors";

import type { CutoverResources, StateResource } from "./types";

const cutoverType = "pulumi-nodejs:dynamic/mcp-fleet:Cutover";
const settleType = "pulumi-nodejs:dynamic/mcp-fleet:Settle";
const stackType = "pulumi:pulumi:Stack";

/** Exit code for a stack without what was asked for; `mcp-fleet`'s "not found". */
const notFound = 3;

/**
 * The Cutover and what belongs to it, secrets in clear.
 * @throws UserError when there is none
 */
export function cutoverResources(resources: readonly StateResource[]): CutoverResources {
  const of = (type: string): StateResource | undefined =>
    resources.find((resource) => resource.type === type);
  const cutover = of(cutoverType);
  if (cutover === undefined) {
    throw new UserError(
      "The stack has no Cutover, so there are no rows to look at.",
      "Run an update with databaseUrl set and cutover.enabled, or choose another stack with --stack.",
      { exitCode: notFound },
    );
  }
  const settle = of(settleType);
  return {
    cutover: revealed({ ...cutover.inputs, ...cutover.outputs }),
    ...(settle === undefined ? {} : { settle: revealed({ ...settle.inputs, ...settle.outputs }) }),
    outputs: revealed({ ...of(stackType)?.outputs }),
  };
}

/** The engine's key for special values, and the signature of a secret. */
const [signatureKey, secretSignature] = [
  "4dabf18193072939515e22adb298388d",
  "1b47061264138c4ac30d75fd1eb44270",
];

/** Secrets in exported state are wrapped: `{ <signature>: …, plaintext: "<JSON>" }`. */
export function reveal(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reveal);
  if (typeof value !== "object" || value === null) return value;
  if (isSecret(value)) return reveal(JSON.parse(value.plaintext) as unknown);
  return revealed(value as Record<string, unknown>);
}

function revealed(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, reveal(inner)]));
}

function isSecret(value: object): value is { readonly plaintext: string } {
  // A program's own object may have a key of that name.
  return (
    "plaintext" in value &&
    typeof value.plaintext === "string" &&
    (value as Record<string, unknown>)[signatureKey] === secretSignature
  );
}
