import { isUserError, messageOf, UserError } from "@mcp-fleet/errors";
import { Command } from "commander";

import { consoleLog } from "./log";

/** `SCHEMA` and `DUMP`, as the Makefile passes them on. */
function request(): { schema?: "text" | "jsonb"; dump?: string } {
  const { SCHEMA: schema, DUMP: dump } = process.env;
  if (schema !== undefined && schema !== "text" && schema !== "jsonb") {
    throw new UserError(
      `SCHEMA is "${schema}".`,
      "Use SCHEMA=jsonb (the newer schema, the default) or SCHEMA=text (TOML in a text column).",
    );
  }
  return {
    ...(schema === undefined ? {} : { schema }),
    ...(dump === undefined ? {} : { dump }),
  };
}

const program = new Command("lab").description("The lab of mcp-fleet on this machine");
const log = consoleLog();

program.command("up").action(async () => (await import("./up.js")).up(request(), log));
program.command("rollback").action(async () => (await import("./up.js")).rollback(log));
program.command("preview").action(async () => (await import("./preview.js")).preview(log));
program.command("status").action(async () => (await import("./status.js")).status());
program.command("env").action(async () => (await import("./env.js")).env());
program.command("down").action(async () => (await import("./down.js")).down(log));

program.parseAsync().catch((error: unknown) => {
  if (isUserError(error)) {
    process.stderr.write(`\n${error.problem}\n${error.fix}\n`);
    process.exitCode = error.exitCode;
    return;
  }
  process.stderr.write(
    `\nUnexpected: ${process.env.MCP_FLEET_DEBUG === undefined ? messageOf(error) : String((error as Error).stack)}\nPlease report this; MCP_FLEET_DEBUG=1 shows where it happened.\n`,
  );
  process.exitCode = 70;
});
