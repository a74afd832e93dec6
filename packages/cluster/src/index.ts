export { missingClusterRights, refusedRights, whoAmI } from "./access";
export {
  type ExternalSecretRef,
  type MadeSecret,
  type SecretWait,
  seeExternalSecret,
  waitForExternalSecret,
} from "./external-secret";
export {
  type ClusterIdentity,
  identify,
  matches,
  type Places,
  refusalOf,
  requirePlaces,
} from "./identity";
export { type OwnPod, ownPod } from "./own-pod";
export { missingKinds, type ObjectKind } from "./kinds";
export { namespaceState } from "./namespace";
export {
  type ClusterRight,
  type MadeKind,
  rightsOfRun,
  type RunSettings,
  type RunWork,
  workOfRun,
} from "./run-rights";
export { type Account, type RoleObject, rolesOf } from "./roles";
export {
  addressesOf,
  findServers,
  type FoundServer,
  type FoundServers,
  type McpEndpoint,
} from "./servers";
export {
  authorityText,
  caAnnotation,
  keyAnnotation,
  pathAnnotation,
  portAnnotation,
} from "@mcp-fleet/kube";
export { findStray, type StrayServer, strayReport } from "./stray";
export {
  LaterError,
  leaseRights,
  type LeaseRequest,
  takeUpdateLease,
  type UpdateLease,
  type UpdateOutcome,
} from "./update-lease";
