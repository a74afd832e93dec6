import { createRequire } from "node:module";

import * as pulumi from "@pulumi/pulumi";
import type { Struct as StructMessage } from "google-protobuf/google/protobuf/struct_pb";

import type { JsonObject } from "./wire";

/** Loads the SDK's own copies of its dependencies, so that both sides speak of the same classes. */
const fromSdk = createRequire(require.resolve("@pulumi/pulumi"));

/** The protobuf message in which property values travel. */
export const { Struct } = fromSdk("google-protobuf/google/protobuf/struct_pb") as {
  Struct: { fromJavaScript(value: JsonObject): StructMessage };
};

/** Turns the text of a dynamic provider back into a module, as the SDK's own host does. */
export const requireFromString = fromSdk("require-from-string") as (code: string) => {
  handler(): unknown;
};

/** Resolves when no call of the SDK is under way, those made meanwhile included. */
export function allCallsDone(): Promise<void> {
  return (pulumi.runtime as unknown as { waitForRPCs(): Promise<void> }).waitForRPCs();
}
