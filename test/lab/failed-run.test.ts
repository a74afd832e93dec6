import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { PulumiStack } from "@mcp-fleet/engine";
import { isUserError } from "@mcp-fleet/errors";

import { paths } from "../../lab/paths";
import { testEngine } from "../support/engine";
import { ScratchBackend } from "../support/scratch-backend";

/** Programs that export something and then fail, in the two possible ways. */
const programs = {
  good: `exports.generation = 3; exports.token = pulumi.secret("hush");`,
  less: `exports.generation = 4;`,
  refused: `throw new pulumi.RunError("[servers.x] is not a known key.\\nRemove it.");`,
  resource: `
    class Failing extends pulumi.dynamic.Resource {
      constructor() {
        super({ create: () => Promise.reject(new Error("the rows are locked")) }, "rows", { generation: undefined });
      }
    }
    exports.generation = new Failing().generation;`,
};

/* Neither needs a cluster: what the CLI shows and keeps of a failed run. */
describe("a run that fails, on the engine", function () {
  this.timeout(3 * 60_000);
  let backend: ScratchBackend;
  let directory: string;
  let stack: PulumiStack;

  const program = (text: string): void =>
    writeFileSync(
      join(directory, "index.js"),
      `const pulumi = require("@pulumi/pulumi");
       const { keepOutputs } = require(${JSON.stringify(join(paths.projectDir, "dist", "stacks", "outputs.js"))});
       module.exports = async () => {
         await keepOutputs();
         pulumi.log.warn("a warning that comes first");
         const exports = {};
         ${text}
         return exports;
       };`,
    );

  before(async () => {
    backend = new ScratchBackend(await testEngine());
    directory = join(backend.directory, "project");
    mkdirSync(directory);
    const project = { name: "p1", runtime: "nodejs", main: "index.js" };
    writeFileSync(join(directory, "Pulumi.yaml"), JSON.stringify(project));
    writeFileSync(join(directory, "package.json"), '{ "name": "p1", "private": true }');
    symlinkSync(join(paths.projectDir, "node_modules"), join(directory, "node_modules"));
    program(programs.good);
    stack = new PulumiStack({
      ...{ directory, stack: "dev", command: backend.command, env: backend.env },
    });
    await stack.create();
    await stack.up();
  });
  after(() => backend.remove());

  for (const name of ["refused", "resource"] as const) {
    it(`leaves the outputs where they are: ${name}`, async () => {
      program(programs[name]);
      const up = ["up", "--yes", "--skip-preview", "--suppress-progress", "--stack", "dev"];
      const { all, exitCode } = await backend.start(directory, up);
      assert.notEqual(exitCode, 0);
      assert.match(all, name === "refused" ? /is not a known key/ : /the rows are locked/);
      assert.doesNotMatch(all, /- generation|- token|hush/);
      assert.deepEqual(await stack.outputs(), { generation: 3, token: "hush" });
    });
  }

  it("and one that does not fail changes them, and takes away what is gone", async () => {
    program(programs.less);
    await stack.up();
    assert.deepEqual(await stack.outputs(), { generation: 4 });
  });

  it("shows a failed preview's error, not the warning before it", async () => {
    program(programs.refused);
    await assert.rejects(stack.preview(), (error: unknown) => {
      assert.ok(isUserError(error), String(error));
      assert.equal(error.problem, "`pulumi preview` failed: [servers.x] is not a known key.");
      assert.equal(error.fix, "Remove it.");
      return true;
    });
  });
});
