export { headerFault, headerFromFile, headerValue, withFiles } from "./files";
export type { GateInput } from "./gate/settings";
export { defaultDeadlineSeconds, probe, probeAll } from "./probe";
export type { Endpoint, Reached } from "./reach";
export { parseRequest, type ProbeRequest } from "./targets";
export {
  digestOf,
  digestsOf,
  lockChanges,
  lockHash,
  type LockChanges,
  partsOf,
  type ToolDefinition,
  type ToolDigest,
  type ToolLock,
  type ToolPart,
  toolPartNames,
  toolParts,
} from "./tool-lock";
export type {
  FileTarget,
  HeaderFile,
  ProbeOptions,
  ProbeOutcome,
  ProbeResult,
  ProbeTarget,
} from "./types";
export { handshakeVersions, modernVersion, protocolVersions } from "./versions";
