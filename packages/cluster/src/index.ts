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
export { findServers, type FoundServer, type McpEndpoint, pathAnnotation } from "./servers";
export { keyAnnotation } from "@mcp-fleet/kube";
export { findStray, type StrayServer, strayReport } from "./stray";
