import type { Command } from "commander";

import type { CliContext } from "../../context";
import { type StackOptions, withStack } from "../../day-two/stack";
import { openToolsLock } from "../../day-two/tools-lock";
import { newCommand } from "../../help";

/** Writes what servers list now for those of which nothing is agreed. What is agreed stays. */
export function toolsLockCommand(context: CliContext): Command {
  return withStack(newCommand("lock", { example: "mcp-fleet tools lock --stack prod" }), {
    file: false,
  })
    .description(
      "write what the running servers list, for those that the lock does not have; code 10 when another lists something else than agreed",
    )
    .argument("[server...]", "the servers (default: all of the stack)")
    .action(async (names: string[], options: StackOptions) => {
      const lock = await openToolsLock(context, options);
      const { isAgreed, isNew } = await import("@mcp-fleet/operations");
      const { changesText } = await import("../../day-two/tools-text.js");
      const changes = await lock.compare(names);
      const added = changes.filter(isNew);
      const empty = changes.filter((one) => !one.locked && !isNew(one));
      if (added.length > 0) lock.write(added);
      const left = changes.filter((one) => one.locked && !isAgreed(one));
      await context.print(
        { file: lock.file, locked: added.map(({ server }) => server), left: lock.shown(left) },
        () => changesText(left, context.width()),
      );
      const written = added.map(({ server }) => server).join(", ");
      for (const { server } of empty)
        context.note(
          `${server} lists no tools and is left out. If it is to have none: mcp-fleet tools approve ${server}`,
        );
      context.note(
        added.length === 0
          ? `${lock.file} stays as it is.`
          : `${lock.file} has ${written} now. Commit it; the next update holds the servers to it.`,
      );
      if (left.length > 0)
        context.note("What is agreed stays: mcp-fleet tools approve <server> takes a change.");
      context.findings(left.length + empty.length > 0);
    });
}
