// Generated from the files of this folder: npm run docs
import type { Command } from "commander";

import type { CliContext } from "../context";
import { checkCommand } from "./check";
import { completeCommand } from "./complete";
import { completionCommand } from "./completion";
import { configCommand } from "./config";
import { describeCommand } from "./describe";
import { doctorCommand } from "./doctor";
import { driftCommand } from "./drift";
import { exporterCommand } from "./exporter";
import { finalizeCommand } from "./finalize";
import { grantsCommand } from "./grants";
import { historyCommand } from "./history";
import { imageCommand } from "./image";
import { initCommand } from "./init";
import { listCommand } from "./list";
import { logsCommand } from "./logs";
import { mcpJsonCommand } from "./mcp-json";
import { planCommand } from "./plan";
import { promoteCommand } from "./promote";
import { reportCommand } from "./report";
import { restartCommand } from "./restart";
import { rollbackCommand } from "./rollback";
import { scaleCommand } from "./scale";
import { secretsCommand } from "./secrets";
import { serveCommand } from "./serve";
import { settleCommand } from "./settle";
import { startCommand } from "./start";
import { statusCommand } from "./status";
import { stopCommand } from "./stop";
import { strayCommand } from "./stray";
import { toolsCommand } from "./tools";
import { upCommand } from "./up";
import { verifyCommand } from "./verify";

/** All commands of `mcp-fleet`, by name. */
export const commands: readonly ((context: CliContext) => Command)[] = [
  checkCommand,
  completeCommand,
  completionCommand,
  configCommand,
  describeCommand,
  doctorCommand,
  driftCommand,
  exporterCommand,
  finalizeCommand,
  grantsCommand,
  historyCommand,
  imageCommand,
  initCommand,
  listCommand,
  logsCommand,
  mcpJsonCommand,
  planCommand,
  promoteCommand,
  reportCommand,
  restartCommand,
  rollbackCommand,
  scaleCommand,
  secretsCommand,
  serveCommand,
  settleCommand,
  startCommand,
  statusCommand,
  stopCommand,
  strayCommand,
  toolsCommand,
  upCommand,
  verifyCommand,
];
