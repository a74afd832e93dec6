import { createRequire } from "node:module";

import type * as Grpc from "@grpc/grpc-js";
import type { Empty as EmptyMessage } from "google-protobuf/google/protobuf/empty_pb";
import type { Struct as StructMessage } from "google-protobuf/google/protobuf/struct_pb";

/** Loads the SDK's own copies of its dependencies: its protocol files accept the classes of no other copy. */
const fromSdk = createRequire(require.resolve("@pulumi/pulumi"));

export const grpc = fromSdk("@grpc/grpc-js") as typeof Grpc;

export const { Empty } = fromSdk("google-protobuf/google/protobuf/empty_pb") as {
  Empty: typeof EmptyMessage;
};

/** The protobuf message for property values. */
export const { Struct } = fromSdk("google-protobuf/google/protobuf/struct_pb") as {
  Struct: typeof StructMessage;
};
