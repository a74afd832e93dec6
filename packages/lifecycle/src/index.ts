export { type ChangeOptions, restartMcp, scaleMcp, startMcp, stopMcp } from "./change";
export { InvalidError, NotFoundError, ObstacleError, TimeoutError } from "./errors";
export { readServer } from "./find";
export { type LogNotes, type LogsOptions, readLogs } from "./logs";
export type { ProbeOptions } from "./probe";
export { getMcpStatus, listMcpServers, type ListOptions } from "./read";
export type {
  Change,
  McpServerStatus,
  McpServerSummary,
  ProbeAnswer,
  ServerCondition,
  ServerState,
  WaitOptions,
} from "./types";
export { maxReplicas } from "./validate";
export { defaultTimeoutSeconds } from "./wait";
export { ApiError, UnreachableError } from "@mcp-fleet/kube";
