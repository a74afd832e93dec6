import type { Preview, PulumiStack } from "@mcp-fleet/engine";
import type { CutoverResources } from "@mcp-fleet/operations";

/**
 * The preview of a stack, without a look at its rows: that look is refused where the database role lacks a right, and
 * commands that say which one need to know what the stack declares.
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
