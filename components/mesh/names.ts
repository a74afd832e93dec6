export { agentComponent } from "../core";

/** Role of the registry's pods within the application. */
export const registryComponent = "mcp-registry";

/** API group and version of the MCPAgent objects. */
export const meshApi = { group: "mesh.mcp.io", version: "v1" } as const;
