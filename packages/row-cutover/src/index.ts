export { ownsUrl, sameServer } from "./decide/application-owned";

export { readCredentials, type RowCredentials } from "./calls/credentials";

export { drift } from "./calls/drift";

export { readEndpoints } from "./calls/endpoints";

export { DatabaseUnreachable } from "./postgres/errors";

export { finalize } from "./calls/finalize";

export {
  type GrantRequest,
  type Grants,
  grantScript,
  type GrantStatement,
  readGrants,
  type RoleGrants,
} from "./calls/grants";

export { readRunRows, readRuns } from "./calls/history";

export { specHash } from "./decide/hash";

export { planRows, readLedger } from "./calls/plan";

export { type Readiness, readReadiness } from "./calls/readiness";

export { recordPlan, runCutover } from "./calls/run";

export { removeFence, settle } from "./calls/settle";

export { type StaleHeader, staleHeaders } from "./calls/stale-headers";

export type {
  AgreedProtocols,
  CutoverSpec,
  Db,
  HeaderSource,
  RowKey,
  RowSpec,
  RunMeta,
  SoftReference,
  TableSpec,
  Target,
  RunningImages,
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

export {
  type Survey,
  surveyDatabase,
  type SurveyedServer,
  type SurveyedTable,
  type SurveyOptions,
} from "./survey/survey";
