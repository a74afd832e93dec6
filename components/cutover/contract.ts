import type * as runner from "@mcp-fleet/cutover-runner";

/** The packages' own types, so that the rest of the program needs to know one place only. */
export type {
  Credentials,
  CutoverInputs,
  DatabaseRef,
  KubeRef,
  ProbedServer,
  ProbeRun,
  ProbeSpec,
  ServerRollout,
  SettleInputs,
} from "@mcp-fleet/cutover-runner";
export type { ProbeTarget } from "@mcp-fleet/mcp-probe";
export type {
  CutoverSpec,
  RowPlan,
  RowSpec,
  RunMeta,
  TableSpec,
  Target,
} from "@mcp-fleet/row-cutover";
export { specHash } from "@mcp-fleet/row-cutover";

/** What the providers call; required by name when they run. */
export type Runner = typeof runner;
