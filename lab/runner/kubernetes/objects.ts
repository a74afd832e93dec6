import { UserError } from "@mcp-fleet/errors";

import type { Registration } from "../handler";
import type { StoredResource } from "../state";
import {
  type Json,
  type JsonObject,
  objectAt,
  revealObject,
  sameValue,
  secret,
  stringAt,
  unknownValue,
} from "../wire";
import { ApiError } from "./errors";
import { type Identity, titleOf } from "./names";

/** Seconds a resource may take to become ready, and to be gone, when the program says nothing else. */
export const defaultTimeout = 600;

/** Metadata that changes with every write. */
const volatile = ["resourceVersion", "managedFields"];

/** The server does not have the kind, the namespace or another thing that the object needs. */
export class NotThere extends UserError {}

export function explain(error: unknown, identity: Identity): unknown {
  if (!(error instanceof ApiError)) return error;
  const problem = `${titleOf(identity)}: ${error.message}`;
  if (error.status === 404) {
    return new NotThere(problem, "Make what is missing first, or correct the name.");
  }
  if (/field is immutable|may not be changed|updates to .* are forbidden/.test(error.message)) {
    return new UserError(
      `${problem}. The lab runner does not replace an object whose fixed field changes.`,
      "Remove the resource in one run and add it in the next, or use the Pulumi CLI.",
    );
  }
  return new UserError(problem, "Correct the object, or the permissions of the kubeconfig's user.");
}

/** Same inputs, ready last time, and nobody has changed the object since. */
export function unchanged(resource: Registration, old: StoredResource, live: JsonObject): boolean {
  if (old.initErrors !== undefined || !sameValue(old.inputs, resource.inputs)) return false;
  const stored = objectAt(revealObject(old.outputs).metadata);
  const current = objectAt(live.metadata);
  // Kinds with a generation count changes of their spec there; the others have only the version of the whole.
  return stored.generation === undefined
    ? stored.resourceVersion === current.resourceVersion
    : stored.generation === current.generation;
}

/** What an apply can change: the object without its status and version. */
export function content(object: JsonObject): JsonObject {
  const { metadata, ...rest } = object;
  return { ...without(rest, "status"), metadata: without(objectAt(metadata), ...volatile) };
}

function without(object: JsonObject, ...keys: string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}

/** The live object without its bookkeeping; the content of a Secret is wrapped whatever the inputs were. */
export function outputsOf(live: JsonObject, inputs: JsonObject): JsonObject {
  const metadata = without(objectAt(live.metadata), "managedFields");
  const outputs: JsonObject = { ...live, metadata };
  if (live.kind !== "Secret") return outputs;
  if (live.data !== undefined) outputs.data = secret(live.data);
  if (inputs.stringData !== undefined) outputs.stringData = inputs.stringData;
  return outputs;
}

/** The inputs, with what only the server or this run can tell left unknown. */
export function plannedOutputs(resource: Registration, namespace: string | undefined): JsonObject {
  const metadata = objectAt(revealObject(resource.inputs).metadata);
  return {
    ...resource.inputs,
    metadata: {
      ...metadata,
      name: metadata.name ?? unknownValue,
      ...(metadata.namespace !== undefined || namespace === undefined ? {} : { namespace }),
    },
  };
}

/** `stringData` as `data`, so that a key taken away from it goes away. */
export function encodeSecret(object: JsonObject): Json {
  if (object.kind !== "Secret" || object.stringData === undefined) return object;
  const { stringData, ...rest } = object;
  const data = { ...objectAt(object.data) };
  for (const [key, value] of Object.entries(objectAt(stringData))) {
    if (typeof value === "string") data[key] = Buffer.from(value).toString("base64");
  }
  return { ...rest, data };
}

/** `customTimeouts` first, then the annotation the Pulumi provider reads, then ten minutes. */
export function timeoutOf(resource: Registration, object: JsonObject, create: boolean): number {
  const custom = create ? resource.createTimeout : resource.updateTimeout;
  const annotated = Number(
    stringAt(object, "metadata", "annotations", "pulumi.com/timeoutSeconds") ?? Number.NaN,
  );
  return custom ?? (Number.isFinite(annotated) ? annotated : defaultTimeout);
}
