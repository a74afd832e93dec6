import { UserError } from "@mcp-fleet/errors";
import { type Command, Option } from "commander";

import type { CliContext } from "../../context";
import { type StackOptions, withStack } from "../../day-two/stack";
import { openToolsLock } from "../../day-two/tools-lock";
import { exitCodes } from "../../exit-codes";
import { newCommand } from "../../help";

interface Options extends StackOptions {
  readonly image?: string;
  readonly planned?: true;
}

/** Says how the tools of servers differ from those that are agreed. Writes nothing. */
export function toolsDiffCommand(context: CliContext): Command {
  return withStack(
    newCommand("diff", {
      example:
        "mcp-fleet tools diff --stack prod github --image ghcr.io/github/github-mcp-server:v0.31.0",
    }),
    { file: false },
  )
    .description("compare what servers list with what is agreed; code 10 when it differs")
    .argument("[server...]", "the servers (default: all of the stack)")
    .option(
      "--image <image>",
      "start the server with this image beside the one that runs, and ask that",
    )
    .addOption(
      new Option(
        "--planned",
        "ask, in the same way, each image that the next update would bring",
      ).conflicts("image"),
    )
    .action(async (names: string[], options: Options) => {
      const image = oneServer(names, options.image);
      const lock = await openToolsLock(context, options);
      const changes =
        options.planned === true
          ? await lock.compareImages(await lock.plannedImages(names))
          : await lock.compare(names, image);
      const { isAgreed } = await import("@mcp-fleet/operations");
      const { changesText } = await import("../../day-two/tools-text.js");
      const found = changes.filter((one) => !isAgreed(one));
      await context.print(lock.shown(changes), () => changesText(changes, context.width()));
      if (options.planned === true && changes.length === 0)
        context.note("The next update brings no server another image.");
      context.findings(found.length > 0);
    });
}

/** @throws {UserError} for an image without its server, or with several */
export function oneServer(names: readonly string[], image: string | undefined): string | undefined {
  if (image !== undefined && names.length !== 1)
    throw new UserError(
      "--image is the image of one server.",
      "Name that server before it: <server> --image <image>",
      { exitCode: exitCodes.usage },
    );
  return image;
}
