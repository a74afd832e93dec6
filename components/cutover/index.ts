/**
 * `Cutover`, `Settle`: the rows of a PostgreSQL table, moved in one transaction after every server answered MCP.
 *
 * @module
 */
export * from "./contract";
export * from "./resource";
