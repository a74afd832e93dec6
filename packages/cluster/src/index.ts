export { missingClusterRights, refusedRights, whoAmI } from "./access";
export {
  type ClusterIdentity,
  identify,
  matches,
  type Places,
  refusalOf,
  requirePlaces,
} from "./identity";
export { type PolicyEnforcement, policyEnforcement } from "./enforcement";
export { missingKinds, type ObjectKind } from "./kinds";
export { namespaceState } from "./namespace";
export { type ClusterRight, type MadeKind, rightsOfRun, type RunWork } from "./run-rights";
export { findServers, type FoundServer, type McpEndpoint, pathAnnotation } from "./servers";
export { keyAnnotation } from "@mcp-fleet/kube";
export { findStray, type StrayServer, strayReport } from "./stray";
