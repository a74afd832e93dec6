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

/** Marks the pods of our Deployments, so that their selectors do not match a probe Job's pod with a consumer's labels. */
export const workloadLabel = "mcp-fleet.dev/workload";
/** The cutover generation that a pod was started for. */
export const generationLabel = "mcp-fleet.dev/generation";

/** On a server's workload and Service: its key in the stack. Optional on servers that this program did not make. */
export const keyAnnotation = "mcp-fleet.dev/server";
/** On a Service: the path that the server behind it really serves. Without it the path is taken to be `/mcp`. */
export const pathAnnotation = "mcp-fleet.dev/mcp-path";
/** On a Service: name or number of the MCP port, where its ports leave that open. */
export const portAnnotation = "mcp-fleet.dev/mcp-port";
