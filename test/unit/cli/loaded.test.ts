import assert from "node:assert/strict";
import { join } from "node:path";

import { execa } from "execa";

const program = join(__dirname, "..", "..", "..", "cli", "program.js");

/** Makes every command, runs none, and prints the packages that were loaded for that. */
const script = `
require(${JSON.stringify(program)}).createProgram(process, new AbortController().signal);
const name = /.*\\/(?:node_modules\\/((?:@[^/]+\\/)?[^/]+)|packages\\/([^/]+))\\//;
const found = Object.keys(require.cache).map((file) => name.exec(file)).filter((one) => one !== null);
console.log(JSON.stringify([...new Set(found.map(([, of, own]) => of ?? own))].sort()));
`;

describe("mcp-fleet, before a command runs", () => {
  it("has loaded what each command needs to be listed, and nothing that only one works with", async () => {
    const { stdout } = await execa(process.execPath, ["-e", script]);
    assert.deepEqual(JSON.parse(stdout), ["commander", "errors", "kube"]);
  });
});
