export * from "./args";
export { environmentVariable, referencesOf } from "./env";
export type * from "./operations";
export { defaultHealth } from "./process";
export type { SecretSource } from "./secret";
export { McpServer } from "./server";
export * from "./sources";
