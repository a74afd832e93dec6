import type * as runner from "@mcp-fleet/cutover-runner";

/** The packages' own types, so that the rest of the program needs to know one place only. */
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
export { specHash } from "@mcp-fleet/row-cutover";

/** What the providers call; required by name when they run. */
export type Runner = typeof runner;
