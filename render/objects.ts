import { UserError } from "@mcp-fleet/errors";
import * as pulumi from "@pulumi/pulumi";

import { assertRestricted, podTemplateOf } from "../components/core";
import type { Declared } from "./monitor";
import { unknownSecret } from "./stack-file";

/** A Kubernetes object as it is written. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly [key: string]: unknown;
}

/** A Secret that the objects refer to and that is not written. */
export interface SecretReference {
  readonly name: string;
  readonly namespace: string;
  readonly keys: readonly string[];
}

/** The rendered stack. */
export interface Rendered {
  readonly objects: readonly KubeObject[];
  /** Secrets to create by hand before the objects are applied. */
  readonly references: readonly SecretReference[];
}

/**
 * The declared objects as they are written: without fields for the engine, and of Secrets only the requested
 * ones.
 *
 * @throws UserError for a weak pod, a secret value outside of a Secret, a requested Secret that does not exist,
 * and one with unknown values
 */
export function objectsOf(declared: readonly Declared[], wanted: readonly string[]): Rendered {
  const scaled = autoscaled(declared);
  const objects: KubeObject[] = [];
  const references: SecretReference[] = [];
  const asked = new Set(wanted);
  for (const { inputs } of declared) {
    const object = clean(inputs as KubeObject, scaled);
    refuseWeakPod(object);
    if (object.kind !== "Secret") {
      if (holdsSecret(object)) throw secretElsewhere(object);
      objects.push(object);
      continue;
    }
    const { name, namespace = "default" } = object.metadata;
    if (!asked.delete(name)) {
      references.push({ name, namespace, keys: Object.keys(content(object)).sort() });
      continue;
    }
    objects.push(withContent(object));
  }
  const [missing] = asked;
  if (missing !== undefined) {
    const names = references.map(({ name }) => name);
    throw new UserError(
      `[--with-secret] "${missing}" is no Secret of this stack.`,
      names.length === 0 ? "This stack makes none." : `There are ${names.join(", ")}.`,
    );
  }
  return { objects: objects.sort(byPlace), references };
}

/** Workloads whose replicas an autoscaler manages, by kind and name: applying them again must not reset the number. */
function autoscaled(declared: readonly Declared[]): ReadonlySet<string> {
  const targets = declared
    .filter(({ inputs }) => inputs.kind === "HorizontalPodAutoscaler")
    .map(({ inputs }) => {
      const spec = inputs.spec as { scaleTargetRef: { kind: string; name: string } };
      return `${spec.scaleTargetRef.kind}/${spec.scaleTargetRef.name}`;
    });
  return new Set(targets);
}

function clean(object: KubeObject, scaled: ReadonlySet<string>): KubeObject {
  const { apiVersion, kind, metadata: given, ...rest } = object;
  const { annotations, ...metadata } = given as KubeObject["metadata"] & {
    annotations?: Record<string, string>;
  };
  const kept = Object.entries(annotations ?? {}).filter(([key]) => !key.startsWith("pulumi.com/"));
  const cleaned: KubeObject = {
    ...{ apiVersion, kind },
    metadata: {
      ...metadata,
      ...(kept.length === 0 ? {} : { annotations: Object.fromEntries(kept) }),
    },
    ...rest,
  };
  if (!scaled.has(`${kind}/${metadata.name}`)) return cleaned;
  const { replicas: _autoscaler, ...spec } = object.spec as Record<string, unknown>;
  return { ...cleaned, spec };
}

/** The written object is what runs, whoever applies it and wherever. */
function refuseWeakPod(object: KubeObject): void {
  const template = podTemplateOf(object)?.template;
  if (template !== undefined) assertRestricted(`${object.kind} ${object.metadata.name}`, template);
}

function holdsSecret(value: unknown): boolean {
  if (pulumi.runtime.isRpcSecret(value)) return true;
  if (typeof value !== "object" || value === null) return false;
  return Object.values(value).some(holdsSecret);
}

function content(secret: KubeObject): Record<string, string> {
  const data: unknown = secret.stringData;
  const clear: unknown = pulumi.runtime.isRpcSecret(data)
    ? pulumi.runtime.unwrapRpcSecret(data)
    : data;
  return (clear ?? {}) as Record<string, string>;
}

function withContent(secret: KubeObject): KubeObject {
  const stringData = content(secret);
  const unknown = Object.keys(stringData).filter((key) => stringData[key] === unknownSecret);
  if (unknown.length === 0) return { ...secret, stringData };
  throw new UserError(
    `[--with-secret] Secret ${secret.metadata.name} cannot be written: the value of ${unknown.join(", ")} is encrypted.`,
    "Name a .json file with the output of `pulumi config --json --show-secrets` in place of the stack file.",
  );
}

function secretElsewhere({ kind, metadata }: KubeObject): UserError {
  return new UserError(
    `${kind} ${metadata.name} holds a secret value, which would be written in clear.`,
    "Put it in serverSecrets or studioSecrets, so that it goes to a Secret.",
  );
}

function byPlace(a: KubeObject, b: KubeObject): number {
  return `${a.kind} ${a.metadata.name}` < `${b.kind} ${b.metadata.name}` ? -1 : 1;
}
