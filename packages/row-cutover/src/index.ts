export { ownsUrl, sameServer } from "./application-owned";
export { readCredentials, type RowCredentials } from "./credentials";
export { drift } from "./drift";
export { readEndpoints } from "./endpoints";
export { DatabaseUnreachable } from "./errors";
export { finalize } from "./finalize";
export {
  type GrantRequest,
  type Grants,
  grantScript,
  type GrantStatement,
  readGrants,
  type RoleGrants,
} from "./grants";
export { readRunRows, readRuns } from "./history";
export { specHash } from "./hash";
export { planRows, readLedger } from "./plan";
export { type Readiness, readReadiness } from "./readiness";
export { recordPlan, runCutover } from "./run";
export { removeFence, settle } from "./settle";
export { type StaleHeader, staleHeaders } from "./stale-headers";
export type {
  AgreedProtocols,
  CutoverSpec,
  Db,
  DriftedRow,
  DriftReport,
  FinalizeResult,
  HeaderSource,
  LedgerState,
  MaskedDocument,
  PlanSize,
  RowAction,
  RowChange,
  RowEndpoint,
  RowKey,
  RowPlan,
  RowSpec,
  RunMeta,
  RunResult,
  RunRow,
  SettleResult,
  SoftReference,
  TableSpec,
  Target,
  RunningImages,
  ToolLists,
} from "./spec";
export {
  type Survey,
  surveyDatabase,
  type SurveyedServer,
  type SurveyedTable,
  type SurveyOptions,
} from "./survey";
