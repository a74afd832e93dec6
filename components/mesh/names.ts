/** Role of an agent's pods within the application. */
export const agentComponent = "mcp-agent";
/** Role of the registry's pods. */
export const registryComponent = "mcp-registry";

/** API group and version of the objects that stand for agents. */
export const meshApi = { group: "mesh.mcp.io", version: "v1" } as const;
