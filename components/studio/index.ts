export * from "./account";
export type { StudioArgs } from "./args";
export * from "./studio";
