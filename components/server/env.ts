import { UserError } from "@mcp-fleet/errors";
import { type EnvValue, ownValue, referencesOf } from "@mcp-fleet/schema";
import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

type EnvVar = k8s.types.input.core.v1.EnvVar;

/**
 * The variables in an order in which the kubelet can put them together: it expands `$(NAME)` only from variables
 * further up in the list, and never from `envFrom`. A name that is no variable is taken from the server's Secret.
 *
 * @throws UserError naming `owner` and the variable that refers to itself, or to nothing.
 */
export function orderedEnv(
  owner: string,
  env: Readonly<Record<string, EnvValue>>,
  secretName: pulumi.Input<string> | undefined,
): EnvVar[] {
  const done = new Map<string, EnvVar>();
  const open = new Set<string>();
  const add = (name: string, by: string): void => {
    if (done.has(name)) return;
    const value = ownValue(env, name);
    if (open.has(name)) throw circular(owner, name);
    if (value === undefined && secretName === undefined) throw unresolved(owner, by, name);
    open.add(name);
    for (const other of referencesOf(value)) add(other, name);
    done.set(
      name,
      value === undefined ? fromSecret(name, secretName) : environmentVariable(name, value),
    );
  };
  for (const name of Object.keys(env)) add(name, name);
  return [...done.values()];
}

/** One variable as a container lists it. */
export function environmentVariable(name: string, value: EnvValue): EnvVar {
  if (typeof value === "string") return { name, value };
  if ("field" in value) return { name, valueFrom: { fieldRef: { fieldPath: value.field } } };
  if ("resource" in value) {
    const { resource, divisor, container: containerName } = value;
    return { name, valueFrom: { resourceFieldRef: { resource, divisor, containerName } } };
  }
  const { key, optional } = value;
  return "secret" in value
    ? { name, valueFrom: { secretKeyRef: { name: value.secret, key, optional } } }
    : { name, valueFrom: { configMapKeyRef: { name: value.configMap, key, optional } } };
}

function fromSecret(name: string, secretName: EnvVar["name"] | undefined): EnvVar {
  const secretKeyRef = { name: secretName, key: name };
  return { name, valueFrom: { secretKeyRef } };
}

function circular(owner: string, name: string): UserError {
  return new UserError(
    `${owner}: [env.${name}] refers to itself.`,
    `Remove $(${name}), or write $$(${name}) for the text itself.`,
  );
}

function unresolved(owner: string, by: string, name: string): UserError {
  return new UserError(
    `${owner}: [env.${by}] refers to $(${name}), which is no variable of the server.`,
    `Add env.${name}, or write $$(${name}) for the text itself.`,
  );
}
