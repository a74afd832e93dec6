import * as pulumi from "@pulumi/pulumi";

/** The value of an output, to be awaited: an assertion inside of an unawaited `apply` passes whatever it says. */
export function promiseOf<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const internal = output as unknown as { promise(): Promise<T> };
    internal.promise().then(resolve, reject);
  });
}

/** The inputs of a resource with its secrets in plain text. */
export function revealed(value: unknown): unknown {
  if (pulumi.runtime.isRpcSecret(value)) return revealed(pulumi.runtime.unwrapRpcSecret(value));
  if (Array.isArray(value)) return value.map(revealed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, revealed(inner)]));
}
