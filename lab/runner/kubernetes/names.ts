import { randomBytes } from "node:crypto";

import { UserError } from "@mcp-fleet/errors";

import type { StoredResource } from "../state";
import {
  type JsonObject,
  objectAt,
  revealObject,
  sameValue,
  stringAt,
  withoutNulls,
} from "../wire";

export const autonamed = "pulumi.com/autonamed";

/** Kinds whose content is never changed in place when their name is free: a new one makes the pods roll. */
const contentKinds = ["ConfigMap", "Secret"];
const contentKeys = ["data", "binaryData", "stringData", "type", "immutable"];

/** Which object a manifest is about. */
export interface Identity {
  readonly apiVersion: string;
  readonly kind: string;
  /** Undefined for a cluster-scoped kind. */
  readonly namespace?: string;
  readonly name: string;
}

/** @throws UserError for the types that are no single plain object (lists, patches, charts, YAML files). */
export function refuseSpecialTypes(type: string): void {
  if (!/(List|Patch)$|^kubernetes:(helm\.sh|yaml|kustomize)/.test(type)) return;
  throw new UserError(
    `The lab runner does not know the resource type ${type}.`,
    "Use the Pulumi CLI for a program that has it.",
  );
}

/** API version and kind in a type token: `kubernetes:core/v1:Pod` is `v1`, `Pod`. */
export function kindOf(type: string): { apiVersion: string; kind: string } {
  const [, version = "", kind = ""] = type.split(":");
  return { apiVersion: version.replace(/^core\//, ""), kind };
}

/**
 * The object to apply: the program's inputs in clear, with a name. One without a name gets the resource's own with
 * eight random hex digits, and keeps it for as long as it is the same object.
 */
export function desiredObject(name: string, inputs: JsonObject, old?: StoredResource): JsonObject {
  const object = objectAt(withoutNulls(revealObject(inputs)));
  const metadata = objectAt(object.metadata);
  if (stringAt(metadata, "name") !== undefined) return object;
  const kept = old === undefined || !isAutonamed(old) ? undefined : oldName(old);
  return {
    ...object,
    metadata: {
      ...metadata,
      name: kept ?? newName(name),
      annotations: { ...objectAt(metadata.annotations), [autonamed]: "true" },
    },
  };
}

export const newName = (name: string): string => `${name}-${randomBytes(4).toString("hex")}`;

export function isAutonamed(old: StoredResource): boolean {
  return stringAt(revealObject(old.inputs), "metadata", "name") === undefined;
}

const oldName = (old: StoredResource): string | undefined =>
  stringAt(revealObject(old.outputs), "metadata", "name");

/** Whether the content changed of a ConfigMap or Secret that is replaced rather than changed. */
export function contentChanged(old: StoredResource, inputs: JsonObject, kind: string): boolean {
  return (
    contentKinds.includes(kind) &&
    contentKeys.some((key) => !sameValue(old.inputs[key], inputs[key]))
  );
}

export function withName(object: JsonObject, name: string): JsonObject {
  return { ...object, metadata: { ...objectAt(object.metadata), name } };
}

export function identityOf(object: JsonObject): Identity {
  const namespace = stringAt(object, "metadata", "namespace");
  return {
    apiVersion: stringAt(object, "apiVersion") ?? "",
    kind: stringAt(object, "kind") ?? "",
    name: stringAt(object, "metadata", "name") ?? "",
    ...(namespace === undefined ? {} : { namespace }),
  };
}

/** The same object, whatever version of its API group names it. */
export function sameObject(a: Identity, b: Identity): boolean {
  const group = (version: string): string =>
    (version.includes("/") ? version.split("/")[0] : "") ?? "";
  return (
    group(a.apiVersion) === group(b.apiVersion) &&
    a.kind === b.kind &&
    a.namespace === b.namespace &&
    a.name === b.name
  );
}

/** The id Pulumi gives: `namespace/name`, or the name alone. */
export function idOf(identity: Identity): string {
  return identity.namespace === undefined
    ? identity.name
    : `${identity.namespace}/${identity.name}`;
}

/** Text for messages: `Deployment ns/name`. */
export const titleOf = (identity: Identity): string => `${identity.kind} ${idOf(identity)}`;
