import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { execa } from "execa";

import { paths } from "../../lab/paths";

/** `npm run boundaries` on a small project, each file with its imports. */
describe("the boundaries between folders", function () {
  this.timeout(30_000);
  let project: string;

  beforeEach(() => {
    project = mkdtempSync(join(tmpdir(), "mcp-fleet-boundaries-"));
  });
  afterEach(() => rmSync(project, { recursive: true }));

  async function violations(files: Readonly<Record<string, string>>): Promise<string[]> {
    const config = ".dependency-cruiser.cjs";
    cpSync(join(paths.projectDir, config), join(project, config));
    writeFileSync(join(project, "tsconfig.json"), "{}");
    for (const [file, imported] of Object.entries(files)) {
      mkdirSync(dirname(join(project, file)), { recursive: true });
      writeFileSync(join(project, file), imported === "" ? "" : `import "${imported}";\n`);
    }
    const program = join(
      paths.projectDir,
      "node_modules/dependency-cruiser/bin/dependency-cruiser.mjs",
    );
    const args = [
      program,
      "--config",
      config,
      "--output-type",
      "json",
      "packages",
      "cli",
      "stacks",
    ];
    const { stdout } = await execa(process.execPath, args, { cwd: project, reject: false });
    const { summary } = JSON.parse(stdout) as {
      summary: { violations: { rule: { name: string } }[] };
    };
    return [...new Set(summary.violations.map(({ rule }) => rule.name))].sort();
  }

  const fine = {
    "packages/errors/src/index.ts": "",
    "packages/kube/src/index.ts": "../../errors/src/index",
    "cli/main.ts": "../packages/kube/src/index",
    "stacks/index.ts": "",
  };

  it("hold where each imports what it may", async () => {
    assert.deepEqual(await violations(fine), []);
  });

  it("are told when a package imports one above it, a command a stack, or anything the lab", async () => {
    const wrong = {
      ...fine,
      "packages/errors/src/other.ts": "../../kube/src/index",
      "cli/other.ts": "../stacks/index",
      "stacks/other.ts": "../lab/main",
      "lab/main.ts": "",
    };
    assert.deepEqual(await violations(wrong), [
      "cli imports what it may",
      "nothing imports the lab, the tests and the benches",
      "packages/errors imports what it may",
      "stacks imports what it may",
    ]);
  });

  it("are told for a circle", async () => {
    const circle = { ...fine, "cli/a.ts": "./b", "cli/b.ts": "./a" };
    assert.deepEqual(await violations(circle), ["no circles"]);
  });
});
