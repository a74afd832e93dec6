import type { Done } from "@mcp-fleet/engine";
import type { Command } from "commander";

import type { CliContext } from "../context";
import { inPod } from "../day-two/in-pod";
import { openStack, runUpdate, type StackOptions, withStack } from "../day-two/stack";
import { newCommand } from "../help";

interface UpOptions extends StackOptions {
  readonly message?: string;
  readonly now?: true;
}

/** `pulumi up` where nobody watches. It asks no question, and cancels the lock of a pod that is gone. */
export function upCommand(context: CliContext): Command {
  return withStack(
    newCommand("up", {
      group: "Stack",
      example: "mcp-fleet up --stack prod --message 'release 2.1'",
    }),
    { file: false },
  )
    .description(
      "run pulumi up without questions, as a Job in the cluster does; code 75: try again later",
    )
    .option("--message <text>", "why, kept in the stack's history")
    .option("--now", "run although the same update failed a moment ago")
    .action(async ({ message, now, ...options }: UpOptions) => {
      const stack = await openStack(context, options);
      const pod = await inPod(context, stack, now === true);
      const update = (): Promise<Done> => runUpdate(context, stack, message);
      try {
        const { outputs } = await (pod === undefined ? update() : pod.run(update));
        const { target, generation } = outputs;
        const result = { stack: await stack.name(), target, generation };
        await context.print(
          result,
          () =>
            `Updated ${result.stack}: target ${shown(target)}, generation ${shown(generation)}.`,
        );
      } finally {
        await pod?.release();
      }
    });
}

const shown = (value: unknown): string =>
  typeof value === "string" || typeof value === "number" ? String(value) : "none";
