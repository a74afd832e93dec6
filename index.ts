import { loadConfig } from "./stacks/config";
import { guard } from "./stacks/guard";
import { refusePartialRun } from "./stacks/partial-run";
import { buildStack } from "./stacks/studio-stack";

/**
 * The Pulumi program. Every call builds the stack the current configuration describes.
 *
 * @throws UserError, which the engine prints without a stack trace, for a mistake the user can mend.
 */
// eslint-disable-next-line @typescript-eslint/require-await -- the engine awaits it: a throw becomes a rejection
async function program(): Promise<Record<string, unknown>> {
  const config = loadConfig();
  guard(config);
  refusePartialRun(config);
  return { ...buildStack(config) };
}

export = program;
