export * from "./args";
export { environmentVariable } from "./env";
export { egressOf } from "./network";
export { hasRights } from "./pod";
export { secretOperator } from "./secret";
export { McpServer } from "./server";
