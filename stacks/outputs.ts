import * as pulumi from "@pulumi/pulumi";
import * as requests from "@pulumi/pulumi/proto/resource_pb";

/** The part of the engine's monitor that is asked here. */
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

/** A feature that came to the engine a few months after it began to put the stack's outputs off to the end of a run. */
const laterFeature = "parameterization";

/**
 * Has a run that fails leave the stack's outputs as they are. They are told to the engine at the end, which a run does not
 * reach whose resource fails; the CLI then prints all of them as deleted, below the error that matters
 * (github.com/pulumi/pulumi/issues/15755). Told of none at the beginning, the engine keeps those of before unless others come.
 *
 * An engine that takes the first word for the last one is told nothing.
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
