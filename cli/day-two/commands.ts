import type { Command } from "commander";

import { checkCommand, describeCommand, exporterCommand } from "../commands/check";
import { doctorCommand } from "../commands/doctor";
import { driftCommand } from "../commands/drift";
import { grantsCommand } from "../commands/grants";
import { historyCommand } from "../commands/history";
import { initCommand } from "../commands/init";
import { finalizeCommand, settleCommand } from "../commands/ledger";
import { planCommand } from "../commands/plan";
import { promoteCommand } from "../commands/promote";
import { reportCommand } from "../commands/report";
import { rollbackCommand } from "../commands/rollback";
import { secretsCommand } from "../commands/secrets";
import { upCommand } from "../commands/up";
import { verifyCommand } from "../commands/verify";
import type { CliContext } from "../context";

/** The commands about a stack's rows. */
export const dayTwoCommands: readonly ((context: CliContext) => Command)[] = [
  planCommand,
  verifyCommand,
  driftCommand,
  checkCommand,
  exporterCommand,
  describeCommand,
  reportCommand,
  historyCommand,
  upCommand,
  rollbackCommand,
  promoteCommand,
  settleCommand,
  finalizeCommand,
  secretsCommand,
  grantsCommand,
  doctorCommand,
  initCommand,
];
