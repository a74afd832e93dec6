import type { Struct as StructMessage } from "google-protobuf/google/protobuf/struct_pb";

import { Struct } from "../grpc/sdk";
import { type ResourceType, secretsOf } from "./resource-type";
import { type JsonObject, revealObject, secret, secretKeys } from "./values";

/** The values of a message, with secrets in plain text. */
export function plainOf(message: StructMessage | undefined): JsonObject {
  return revealObject(wireOf(message));
}

/** The values of a message, unchanged. */
export function wireOf(message: StructMessage | undefined): JsonObject {
  return message?.toJavaScript() ?? {};
}

export function structOf(values: JsonObject): StructMessage {
  return Struct.fromJavaScript(values);
}

/**
 * Values for the engine. Secret are those that the type declares, and those that are secret in their source.
 *
 * @param like the inputs, or the previous state
 */
export function sealed(
  type: ResourceType,
  values: JsonObject,
  like: readonly (StructMessage | undefined)[],
): StructMessage {
  const secrets = new Set([
    ...secretsOf(type),
    ...like.flatMap((message) => secretKeys(wireOf(message))),
  ]);
  return structOf(
    Object.fromEntries(
      Object.entries(values).map(([key, value]) => [key, secrets.has(key) ? secret(value) : value]),
    ),
  );
}
