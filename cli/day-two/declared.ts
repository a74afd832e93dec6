import type { RunWork } from "@mcp-fleet/cluster";
import type { Preview, PulumiStack, StateResource } from "@mcp-fleet/engine";
import type { Kube } from "@mcp-fleet/kube";
import type { CutoverResources, Fleet } from "@mcp-fleet/operations";

/**
 * The preview of a stack without reading its rows. Reading them fails where the database role lacks a right, and the
 * commands that name the missing right need the preview.
 * @throws UserError with what the program refused
 */
export async function previewWithoutRows(stack: PulumiStack): Promise<Preview> {
  const { PulumiStack } = await import("@mcp-fleet/engine");
  const { place } = stack;
  // `stacks/row-plan.ts` reads it.
  const env = { ...place.env, MCP_FLEET_SKIP_ROW_PLAN: "1" };
  return new PulumiStack({ ...place, stack: await stack.name(), env }).preview();
}

/** The Cutover as the next update would apply it; where the program refuses that, as the last one left it. */
export async function declaredCutover(stack: PulumiStack): Promise<CutoverResources> {
  const { cutoverResources } = await import("@mcp-fleet/engine");
  try {
    return cutoverResources((await previewWithoutRows(stack)).resources);
  } catch (error) {
    return stack.cutover().catch(() => {
      throw error;
    });
  }
}

/** What the next update would do in its cluster. @throws UserError with what the program refused */
export async function declaredWork(stack: PulumiStack): Promise<RunWork> {
  const { resources } = await previewWithoutRows(stack);
  const cutover = await cutoverIn(resources);
  const fleet = cutover === undefined ? undefined : await fleetIn(cutover, stack);
  return workIn(resources, cutover, fleet, namespaceIn(resources, fleet, undefined));
}

/** The work of an update with these resources. */
export async function workIn(
  resources: readonly StateResource[],
  cutover: CutoverResources | undefined,
  fleet: Fleet | undefined,
  namespace: string,
): Promise<RunWork> {
  const { workOf } = await import("@mcp-fleet/operations");
  const work = workOf(resources, fleet, namespace);
  // Where headers are secret, a first preview does not know the Cutover: every kind of work is assumed.
  const unknown = cutover !== undefined && fleet === undefined;
  return unknown ? { ...work, moves: true, probes: true } : work;
}

/** The Cutover among them, if there is one. */
export async function cutoverIn(
  resources: readonly StateResource[],
): Promise<CutoverResources | undefined> {
  const { cutoverResources } = await import("@mcp-fleet/engine");
  try {
    return cutoverResources(resources);
  } catch {
    return undefined;
  }
}

/** The fleet of a Cutover; undefined where it is not known before an update. */
export async function fleetIn(
  cutover: CutoverResources,
  stack: PulumiStack,
): Promise<Fleet | undefined> {
  const { fleetOf } = await import("@mcp-fleet/operations");
  try {
    return fleetOf(cutover, `the stack ${await stack.name()}`);
  } catch {
    return undefined;
  }
}

/** The application's namespace. */
export function namespaceIn(
  resources: readonly StateResource[],
  fleet: Fleet | undefined,
  kube: Kube | undefined,
): string {
  const stackOutputs = resources.find(({ type }) => type === "pulumi:pulumi:Stack")?.outputs;
  const exported = stackOutputs?.namespace;
  return (
    fleet?.probe.namespace ??
    (typeof exported === "string" ? exported : undefined) ??
    mostUsed(resources) ??
    kube?.namespace ??
    "default"
  );
}

/** The namespace of most resources. A first preview tells nothing else. */
function mostUsed(resources: readonly StateResource[]): string | undefined {
  const counts = new Map<string, number>();
  for (const { inputs } of resources) {
    const { namespace } = (inputs?.metadata ?? {}) as { readonly namespace?: unknown };
    if (typeof namespace === "string") counts.set(namespace, (counts.get(namespace) ?? 0) + 1);
  }
  return [...counts].sort(([, one], [, other]) => other - one)[0]?.[0];
}
