import { setImmediate as others } from "node:timers/promises";

import { cleanLine } from "@mcp-fleet/errors";
import type { AjvJsonSchemaValidator } from "@modelcontextprotocol/sdk/validation/ajv";

import { ProbeFailure } from "./failure";

/**
 * How much of a server's output schemas is compiled, in characters of JSON. Compiling a megabyte takes about a
 * second, during which no other server's answer is read. The rest is accepted unchecked.
 */
const compiledCharacters = 256 * 1024;

/** The part of a tool that is checked. */
interface Tool {
  readonly name: string;
  readonly outputSchema?: unknown;
}

/**
 * Compiles the output schemas of all tools of one server, as the TypeScript client does when it lists them: one
 * that does not compile, such as a dangling reference, makes the whole list fail.
 */
export class OutputSchemas {
  private validator: AjvJsonSchemaValidator | undefined;
  private left = compiledCharacters;

  /** @throws {ProbeFailure} naming the first tool whose schema does not compile */
  async check(tools: readonly Tool[]): Promise<void> {
    for (const { name, outputSchema } of tools) {
      if (typeof outputSchema !== "object" || outputSchema === null) continue;
      this.left -= JSON.stringify(outputSchema).length;
      if (this.left < 0) return;
      const { AjvJsonSchemaValidator: Validator } =
        await import("@modelcontextprotocol/sdk/validation/ajv");
      this.validator ??= new Validator();
      try {
        this.validator.getValidator(outputSchema);
      } catch (error) {
        const why = cleanLine(error instanceof Error ? error.message : "", 160);
        throw new ProbeFailure(
          "not-mcp",
          "few",
          `answers tools/list with tool ${JSON.stringify(cleanLine(name, 80))}, whose outputSchema does not compile (${why}), which the official TypeScript client refuses`,
        );
      }
      await others();
    }
  }
}
