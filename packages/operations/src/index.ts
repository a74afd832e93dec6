export { CheckMetrics } from "./check-metrics";
export { type DriftFinding, type DriftReport, findDrift } from "./drift";
export { type CutoverResources, type Fleet, fleetOf, parseFleet } from "./fleet";
export { planRollback, type RollbackPlan, type RollbackRequest } from "./rollback";
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
export { type VerifiedServer, verify, type VerifyReport } from "./verify";
