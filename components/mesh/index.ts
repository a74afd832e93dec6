/**
 * `MeshRegistry`, `MeshAgent`, `ServiceMeshPolicies`; `MeshRegistryChart`, `MeshAgentChart` by the publisher's charts.
 *
 * @module
 */
export * from "./agent";
export * from "./agent-crd";
export * from "./names";
export * from "./publisher-charts";
export * from "./publisher-values";
export * from "./registry";
export type { MeshRegistryArgs, RegistryStorage } from "./registry-args";
export * from "./registry-database";
export * from "./service-mesh";
