import type { sendUnaryData, ServerUnaryCall } from "@grpc/grpc-js";
import { messageOf, UserError } from "@mcp-fleet/errors";
import { CheckFailure, type CheckResponse } from "@pulumi/pulumi/proto/provider_pb";
import type { Struct as StructMessage } from "google-protobuf/google/protobuf/struct_pb";

import { grpc } from "../grpc/sdk";
import type { Plugin } from "./plugin-type";
import type { Failure, ResourceType } from "./resource-type";
import type { JsonObject } from "./values";
import { plainOf } from "./wire";

/** A method of the service with one answer. Errors are reported to the engine without a stack trace. */
export function unary<Request, Response>(work: (request: Request) => Response | Promise<Response>) {
  return (call: ServerUnaryCall<Request, Response>, answer: sendUnaryData<Response>): void => {
    Promise.resolve()
      .then(() => work(call.request))
      .then(
        (response) => answer(null, response),
        (error: unknown) => answer({ code: grpc.status.UNKNOWN, details: told(error) }),
      );
  };
}

/** A method of the service that the program does not use. */
export function unsupported(plugin: Plugin, what: string) {
  return (_call: unknown, answer?: unknown): void => {
    const error = {
      code: grpc.status.UNIMPLEMENTED,
      details: `The lab's own ${plugin.name} plugin ${what}.\n${official(plugin)}`,
    };
    if (typeof answer === "function") (answer as (status: typeof error) => void)(error);
    else (_call as { emit(event: "error", status: typeof error): void }).emit("error", error);
  };
}

/** @throws UserError where the plugin has no such type */
export function typeNamed(plugin: Plugin, token: string): ResourceType {
  const type = plugin.types.find((known) => known.token === token);
  if (type !== undefined) return type;
  throw new UserError(
    `The lab's own ${plugin.name} plugin makes no ${token}: it knows the types of this program only.`,
    official(plugin),
  );
}

const official = ({ name, version }: Plugin): string =>
  `Install the official one where it can be had: pulumi plugin install resource ${name} ${version}.`;

export function refused(response: CheckResponse, failures: readonly Failure[]): CheckResponse {
  return response.setFailuresList(
    failures.map(({ property, reason }) =>
      new CheckFailure().setProperty(property).setReason(reason),
    ),
  );
}

/** A provider's configuration. All values are text, other types as JSON. The engine's own keys are omitted. */
export function configOf(message: StructMessage | undefined): JsonObject {
  const own = Object.entries(plainOf(message)).filter(
    ([key]) => !key.startsWith("__") && key !== "version" && key !== "pluginDownloadURL",
  );
  return Object.fromEntries(own);
}

function told(error: unknown): string {
  return error instanceof UserError ? error.message : messageOf(error);
}
