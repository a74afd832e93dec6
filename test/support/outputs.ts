import type * as pulumi from "@pulumi/pulumi";

/**
 * The value of an output, to be awaited: an assertion inside of `apply` that nobody waits for passes whatever
 * it says.
 */
export function promiseOf<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const internal = output as unknown as { promise(): Promise<T> };
    internal.promise().then(resolve, reject);
  });
}
