export { recordPlan, runCutover } from "./calls/run";
export { planRows, readLedger } from "./calls/plan";
export { recordToolsLock } from "./calls/tools-lock";
export { removeFence, settle } from "./calls/settle";
export { drift } from "./calls/drift";
export { finalize } from "./calls/finalize";
export { readRunRows, readRuns } from "./calls/history";
export { type Readiness, readReadiness } from "./calls/readiness";
export { readEndpoints } from "./calls/endpoints";
export { type StaleHeader, staleHeaders } from "./calls/stale-headers";
export { readCredentials, type RowCredentials } from "./calls/credentials";
export {
  type GrantRequest,
  type Grants,
  grantScript,
  type GrantStatement,
  readGrants,
  type RoleGrants,
} from "./calls/grants";
export {
  type Survey,
  surveyDatabase,
  type SurveyedServer,
  type SurveyedTable,
  type SurveyOptions,
} from "./survey/survey";
export { specHash } from "./decide/hash";
export { ownsUrl, sameServer } from "./decide/application-owned";
export { DatabaseUnreachable } from "./postgres/errors";
export type {
  AgreedProtocols,
  CutoverSpec,
  Db,
  HeaderSource,
  RowKey,
  RowSpec,
  RunMeta,
  RunningImages,
  SoftReference,
  TableSpec,
  Target,
  ToolLists,
} from "./decide/spec";
export type {
  DriftedRow,
  DriftReport,
  FinalizeResult,
  LedgerState,
  MaskedDocument,
  PlanSize,
  RowAction,
  RowChange,
  RowEndpoint,
  RowPlan,
  RunResult,
  RunRow,
  SettleResult,
} from "./decide/results";
