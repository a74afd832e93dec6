import {
  componentLabel,
  managedBy,
  managedByLabel,
  nameLabel,
  partOfLabel,
  versionLabel,
} from "@mcp-fleet/kube";

export {
  componentLabel,
  generationLabel,
  managedBy,
  mcpServerComponent,
  versionLabel,
  workloadLabel,
} from "@mcp-fleet/kube";

/** The labels' values: what an object is, and which application and release it belongs to. */
export interface LabelContext {
  /** Name of the object: `app.kubernetes.io/name`. */
  readonly name: string;
  /** Role within the application, for example `mcp-server` or `web`. */
  readonly component: string;
  /** The application the object belongs to: `app.kubernetes.io/part-of`. */
  readonly application: string;
  /** Version shown in `app.kubernetes.io/version`; not a part of any selector. @default none */
  readonly version?: string;
}

/** An agent of an MCP Mesh: an MCP server that the registry knows. */
export const agentComponent = "mcp-agent";

/** Annotation of a pod that rolls when a foreign Secret changes: a text from the user, or the Secret's own version. */
export const secretVersionAnnotation = "mcp-fleet.dev/secret-version";

/** Labels that never change in an object's life, so they are safe in a Deployment's immutable selector. */
export function selectorLabels(
  context: Pick<LabelContext, "name" | "component">,
): Record<string, string> {
  return {
    [nameLabel]: context.name,
    [componentLabel]: context.component,
  };
}

/** All labels of an object. */
export function objectLabels(context: LabelContext): Record<string, string> {
  return {
    ...selectorLabels(context),
    [partOfLabel]: context.application,
    [managedByLabel]: managedBy,
    ...(context.version === undefined ? {} : { [versionLabel]: context.version }),
  };
}

/** A version label from an image reference: its tag, or the first 12 digits of its digest. Undefined without either. */
export function versionOf(image: string): string | undefined {
  const digest = /@sha256:([0-9a-f]{12})/.exec(image)?.[1];
  const tag = /:([A-Za-z0-9_][A-Za-z0-9_.-]{0,62})$/.exec(image.split("@")[0] ?? "")?.[1];
  return tag === undefined ? digest : tag.replace(/[^A-Za-z0-9]+$/, "");
}
