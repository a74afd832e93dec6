import { z } from "zod";

const check = z.enum(["exact", "additions", "off"]);

/** How a server's tools are held against the tools lock. */
export const tools = z.union([
  check,
  z.strictObject({
    check: check.default("additions").meta({
      description:
        "additions: tools that the lock does not have pass; exact: they do not; off: nothing is compared.",
      examples: ["exact"],
    }),
    maxTokens: z
      .int()
      .positive()
      .optional()
      .meta({
        description:
          "What its list may take of an agent's context, in tokens, roughly: a lock beyond it is a problem. Default: any number.",
        examples: [20_000],
      }),
  }),
]);

/** With everything decided. */
export interface ToolsCheck {
  readonly check: z.output<typeof check>;
  readonly maxTokens?: number | undefined;
}

export function toolsOf({ tools: own }: { readonly tools: z.output<typeof tools> }): ToolsCheck {
  return typeof own === "string" ? { check: own } : own;
}
