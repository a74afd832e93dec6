import * as pulumi from "@pulumi/pulumi";
import * as requests from "@pulumi/pulumi/proto/resource_pb";

/** The part of the engine's monitor that is used here. */
interface Monitor {
  supportsFeature(
    request: requests.SupportsFeatureRequest,
    done: (error: unknown, answer?: requests.SupportsFeatureResponse) => void,
  ): void;
  registerResourceOutputs(
    request: requests.RegisterResourceOutputsRequest,
    done: (error: unknown) => void,
  ): void;
}

/** A feature that the engine got a few months after it began to defer the stack's outputs to the end of a run. */
const laterFeature = "parameterization";

/**
 * Keeps the stack's outputs when a run fails. They are registered at the end, which a run with a failed resource
 * does not reach; the CLI then prints all of them as deleted, below the real error
 * (github.com/pulumi/pulumi/issues/15755). If none are registered at the beginning, the engine keeps the
 * previous ones until others come.
 *
 * Nothing is registered with an engine for which the first registration is final.
 */
export async function keepOutputs(): Promise<void> {
  const stack = pulumi.runtime.getStackResource();
  const monitor = pulumi.runtime.getMonitor() as Monitor | undefined;
  if (stack === undefined || monitor === undefined || !(await putsOff(monitor))) return;
  const request = new requests.RegisterResourceOutputsRequest();
  request.setUrn(await new Promise<string>((resolve) => stack.urn.apply(resolve)));
  await new Promise<void>((resolve, reject) =>
    monitor.registerResourceOutputs(request, (error) =>
      error instanceof Error ? reject(error) : resolve(),
    ),
  );
}

async function putsOff(monitor: Monitor): Promise<boolean> {
  const request = new requests.SupportsFeatureRequest();
  request.setId(laterFeature);
  return new Promise((resolve) =>
    monitor.supportsFeature(request, (error, answer) =>
      resolve((error === null || error === undefined) && answer?.getHassupport() === true),
    ),
  );
}
