export { bundledServers, imageContents, type ImageContents, lookScript } from "./bundled-servers";
export { CheckMetrics } from "./check-metrics";
export { type CheckRound, runChecks } from "./checks";
export { type Contradiction, contradictionsIn } from "./contradictions";
export { type DenyReport, verifyDenied } from "./deny";
export {
  bad,
  checkCluster,
  checkDatabase,
  checked,
  checkImages,
  checkSignatures,
  type DeclaredResource,
  type Finding,
  imagesOf,
  ok,
  refused,
  type WantedImage,
  workOf,
} from "./doctor";
export { type ExporterOptions, pushMetrics, serveMetrics } from "./exporter";
export {
  type DriftReport,
  findDrift,
  outputsAgainst,
  rowsAgainstServices,
  servicesAgainstRows,
} from "./drift";
export type { DriftFinding } from "./drift-finding";
export { type CutoverResources, type Fleet, fleetOf, parseFleet } from "./fleet";
export { checkImage, type ImageCheckOptions, imageOf, type RunningImage } from "./image-check";
export {
  type ClusterSketch,
  type Draft,
  type DraftInput,
  draftStack,
  isStudio,
  lookAtCluster,
  recognise,
} from "./init";
export { planPromotion, type Promotion, refuseUnproved } from "./promotion";
export { type CutoverReport, cutoverReport, type TimelineEntry } from "./report";
export { imagesIn, reportHtml } from "./report-html";
export { type Step, type Verdict, verdictOf } from "./report-verdict";
export { planRollback, type Program, type RollbackPlan, type RollbackRequest } from "./rollback";
export { type McpService, serviceAddress } from "./services";
export { askCandidateTools, askedServers, askTools, type ListedTools } from "./tools-lock/ask";
export {
  type AgreedChanges,
  changesOf,
  isAgreed,
  isNew,
  type PartChange,
} from "./tools-lock/changes";
export { changedImages } from "./tools-lock/planned-images";
export { compareTools, type ToolChanges } from "./tools";
export {
  compareConfig,
  type ConfigChange,
  type ConfigValue,
  leavesOf,
  type ListedUpdate,
  listUpdates,
  pathTo,
  type StackConfig,
  type Update,
} from "./updates";
export { verify, type VerifyReport } from "./verify";
export type { VerifiedServer } from "./verified-server";
