/**
 * `McpServer`: Deployment or StatefulSet, Service, ServiceAccount, NetworkPolicy, Secret or reference to one, autoscaler, budget.
 *
 * @module
 */
export * from "./args";
export { environmentVariable } from "./env";
export { egressOf } from "./network";
export { hasRights } from "./rights";
export { secretNameOf, secretOperator } from "./secret";
export { McpServer } from "./server";
export type { Workload } from "./workload";
