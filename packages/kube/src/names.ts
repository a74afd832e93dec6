/* Labels and annotations, each written here and nowhere else: Kubernetes' recommended ones, and those of this program. */

export const nameLabel = "app.kubernetes.io/name";
/** The role within an application. */
export const componentLabel = "app.kubernetes.io/component";
/** The application that an object belongs to. */
export const partOfLabel = "app.kubernetes.io/part-of";
export const managedByLabel = "app.kubernetes.io/managed-by";
export const versionLabel = "app.kubernetes.io/version";

/** {@link managedByLabel} of every object of this program. */
export const managedBy = "mcp-fleet";
/** {@link componentLabel} of an MCP server, whoever made it. */
export const mcpServerComponent = "mcp-server";

/** Marks the pods of a Deployment of ours, which probe Jobs that wear a consumer's labels must not match. */
export const workloadLabel = "mcp-fleet.dev/workload";
/** The cutover generation that a pod was started for. */
export const generationLabel = "mcp-fleet.dev/generation";

/** On a server's workload and Service: its key in the stack. Whoever made them otherwise need not set it. */
export const keyAnnotation = "mcp-fleet.dev/server";
/** On a Service: the path that the server behind it really serves. Without it the path is taken to be `/mcp`. */
export const pathAnnotation = "mcp-fleet.dev/mcp-path";
/** On a Service: name or number of the port that carries MCP, where its ports do not tell. */
export const portAnnotation = "mcp-fleet.dev/mcp-port";
