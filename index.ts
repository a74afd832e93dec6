import { requireNamespace } from "./stacks/cluster";
import { requireRights } from "./stacks/cluster-rights";
import { loadConfig } from "./stacks/config";
import { requireKinds } from "./stacks/custom-kinds";
import { guard } from "./stacks/guard";
import { keepOutputs } from "./stacks/outputs";
import { refusePartialRun } from "./stacks/partial-run";
import { buildStack } from "./stacks/studio-stack";
import { verifiedImages } from "./stacks/verify-images";

/**
 * The Pulumi program. Every call builds the stack the current configuration describes.
 *
 * @throws UserError, which the engine prints without a stack trace, for a mistake that the user can correct.
 */
async function program(): Promise<Record<string, unknown>> {
  await keepOutputs();
  const config = await loadConfig();
  await guard(config);
  refusePartialRun(config);
  await requireNamespace(config);
  await requireKinds(config);
  await requireRights(config);
  return { ...buildStack(await verifiedImages(config)) };
}

export = program;
