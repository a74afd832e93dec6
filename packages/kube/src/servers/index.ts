export { endpointsOf, urlInCluster, urlOutside } from "./addresses";
export { authorityOf, authorityText, caAnnotation } from "./authority";
export { type Autoscaler, autoscalerOf, autoscalerText } from "./autoscaler";
export {
  autoscalersIn,
  ifAllowed,
  podsIn,
  serverDeployments,
  servicesIn,
  serverStatefulSets,
  warningsAbout,
} from "./lists";
export { type McpPort, mcpPortOf } from "./mcp-port";
export { isServer, serverName, serverSelector } from "./names";
export { changeObstacles, resumeCommand } from "./obstacles";
export { readServerOf, readServers, serversOf, type ServersSeen } from "./read";
export { leadsTo, servicesByWorkload } from "./selection";
export { carrierOf, isCarrier, type Server } from "./server";
export type { LeadingService } from "./surroundings";
export {
  heldBack,
  isOnDelete,
  isPaused,
  isStatefulSet,
  kindOf,
  mainContainer,
  referenceOf,
  startSeconds,
  type Workload,
  type WorkloadKind,
  workloadText,
} from "./workload";
