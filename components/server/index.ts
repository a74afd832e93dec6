export * from "./args";
export { referencesOf } from "./env";
export type * from "./operations";
export { defaultHealth } from "./process";
export { McpServer } from "./server";
export * from "./sources";
