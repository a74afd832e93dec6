import type * as runner from "@mcp-fleet/cutover-runner";

/** Re-exports the packages' types, so that the rest of the program imports one module only. */
export type {
  Credentials,
  CutoverInputs,
  DatabaseRef,
  IsolationSeen,
  KeptHeader,
  KubeRef,
  ProbedServer,
  ProbeRun,
  ProbeSpec,
  ServerRollout,
  ServerTarget,
  SettleInputs,
} from "@mcp-fleet/cutover-runner";
export type {
  CutoverSpec,
  HeaderSource,
  RowPlan,
  RowSpec,
  RunMeta,
  TableSpec,
  Target,
} from "@mcp-fleet/row-cutover";
export { lockHash } from "@mcp-fleet/mcp-probe";
export { specHash } from "@mcp-fleet/row-cutover";

/** The module that the providers require by name when they run. */
export type Runner = typeof runner;
