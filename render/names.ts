import { UserError } from "@mcp-fleet/errors";

import type { KubeObject, Rendered } from "./objects";

const subdomain = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;
/** Roles and bindings allow more characters, but none that ends a line or leaves a directory. */
const pathSegment = /^[A-Za-z0-9][A-Za-z0-9.:_-]{0,251}$/;
const label = /^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/;
const secretKey = /^[A-Za-z0-9._-]{1,253}$/;
const kind = /^[A-Za-z][A-Za-z0-9]{0,62}$/;
const version = /^[a-z0-9.-]{1,253}(\/[a-z0-9]{1,63})?$/;

/**
 * Rejects names that are unsafe as file names or in YAML, or that the API server would reject later.
 *
 * @throws UserError naming the object and the name
 */
export function requireNames({ objects, references }: Rendered): void {
  for (const object of objects) requireObject(object);
  for (const { name, namespace, keys } of references) {
    check(name, subdomain, "a Secret's name");
    check(namespace, subdomain, `the namespace of Secret ${name}`);
    for (const key of keys) check(key, secretKey, `a key of Secret ${name}`);
  }
}

function requireObject({ apiVersion, kind: own, metadata }: KubeObject): void {
  check(own, kind, "the kind of an object");
  check(apiVersion, version, `the apiVersion of a ${own}`);
  const named = /^(Cluster)?Role(Binding)?$/.test(own) ? pathSegment : subdomain;
  check(metadata.name, named, `the name of a ${own}`);
  const where = `${own} ${metadata.name}`;
  if (metadata.namespace !== undefined)
    check(metadata.namespace, subdomain, `the namespace of ${where}`);
  for (const [key, value] of Object.entries(metadata.labels ?? {}))
    check(value, label, `the label ${key} of ${where}`);
}

function check(text: unknown, allowed: RegExp, what: string): void {
  if (typeof text === "string" && allowed.test(text)) return;
  const shown = typeof text === "string" ? text.slice(0, 80) : String(text);
  throw new UserError(
    `${JSON.stringify(shown)} cannot be ${what}.`,
    "Take letters, digits, dashes and dots, as Kubernetes does; nothing was written.",
  );
}
