/**
 * `Studio`: an application's Deployment that rolls after the rows.
 *
 * @module
 */
export * from "./account";
export type { StudioArgs } from "./args";
export * from "./studio";
