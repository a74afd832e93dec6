export { type AgentObject, type AgentStatus, sameStatus, statusOf } from "./agents";
export { certificateEnd } from "./certificates";
export type { ClusterView } from "./cluster";
export { type ObserverConfig, type ObserverSettings, parseConfig } from "./config";
export { lowestGeneration, serverPods } from "./fleet";
export { type Observation, observe } from "./observe";
export { Recorder } from "./record";
export { type Agent, readAgents } from "./registry";
