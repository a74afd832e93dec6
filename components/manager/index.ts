/**
 * `ResourceManager`: the servers' lifecycle over MCP, as a pod whose account can only scale the named servers.
 *
 * @module
 */
export * from "./manager";
