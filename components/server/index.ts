export * from "./args";
export { defaultHealth } from "./container";
export { McpServer } from "./server";
