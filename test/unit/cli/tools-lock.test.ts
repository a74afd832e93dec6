import assert from "node:assert/strict";

import { isUserError } from "@mcp-fleet/errors";
import * as schema from "@mcp-fleet/schema";

import { keptText } from "../../../cli/day-two/tools-lock";

describe("the tools lock that a command writes", () => {
  const name = "Pulumi.dev.tools.json";
  const search = { description: "Finds issues.", inputSchema: { type: "object" } };

  it("has the servers that it had, and those that were asked", () => {
    const text = keptText(name, { a: { search }, b: {} }, { b: { search } }, schema);
    assert.deepEqual(schema.parseToolsLock(name, text), { a: { search }, b: { search } });
  });

  it("is never one that cannot be read again, whatever a server lists", () => {
    const deep: unknown = JSON.parse(`${"[".repeat(90)}${"]".repeat(90)}`);
    assert.throws(
      () => keptText(name, { a: { search } }, { b: { search: { inputSchema: deep } } }, schema),
      (error) =>
        isUserError(error) &&
        /^What b list cannot be kept in Pulumi\.dev\.tools\.json: .*nested deeper/.test(
          error.problem,
        ),
    );
  });
});
