export * from "./args";
export { referencesOf } from "./env";
export { defaultHealth } from "./process";
export { McpServer } from "./server";
export * from "./sources";
