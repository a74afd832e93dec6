export { askCandidate, type Candidate } from "./candidate";
export { withDatabase } from "./database";
export { dropFenceStep } from "./drop-fence";
export { quietly } from "./job-wait";
export { isolationOf, type Stranger, type StrangerReport, tryIsolation } from "./isolation";
export type { IsolationSeen } from "./types";
export { specFor, withHeaderValues } from "./kept";
export { mountedFleet, MountedValues } from "./mounted";
export { type Observed, observeStep, previewRows, serversRolling } from "./preview";
export type { ConsumerProbe } from "./probe-job";
export type { OnProgress } from "./progress";
export { askServers, probeServers, readLedgerStep, runCutoverStep } from "./run";
export { runSettleStep, type SettleOutputs } from "./settle";
export type { PortForwardRef } from "@mcp-fleet/kube";
export type {
  Consumer,
  Credentials,
  CutoverInputs,
  CutoverOutputs,
  DatabaseRef,
  KeptHeader,
  KubeRef,
  ProbedServer,
  ProbeRun,
  ProbeSpec,
  ServerRollout,
  ServerTarget,
  SettleInputs,
} from "./types";
