import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const entry = join(__dirname, "..", "..", "..", "..", "program.cjs");
const compileCache = join(dirname(entry), "cli", "compile-cache.cjs");

/** Replaces the compiler: "compiles" index.ts by copying it, and fails where it says so. */
const fakeCompiler = `
  const fs = require("node:fs");
  const source = fs.readFileSync("index.ts", "utf8");
  fs.appendFileSync("builds", "x");
  const broken = /broken: (.*)/.exec(source)?.[1];
  if (broken === "index.ts") {
    process.stdout.write("index.ts(1,1): error TS2304: Cannot find name 'x'.\\n");
    process.exit(2);
  }
  fs.mkdirSync("dist", { recursive: true });
  fs.writeFileSync("dist/index.js", source);
  if (broken !== undefined) {
    process.stdout.write(broken + "(1,1): error TS2304: Cannot find name 'x'.\\n");
    process.exit(2);
  }
`;

describe("the program's entry", () => {
  let directory = "";
  const write = (path: string, text: string): void => {
    mkdirSync(join(directory, path, ".."), { recursive: true });
    writeFileSync(join(directory, path), text);
  };
  const run = (): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, ["-e", "process.stdout.write(String(require('./program.cjs')))"], {
      cwd: directory,
      encoding: "utf8",
      timeout: 20_000,
    });
  const builds = (): number => readFileSync(join(directory, "builds"), "utf8").length;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "mcp-fleet-entry-"));
    copyFileSync(entry, join(directory, "program.cjs"));
    write("cli/compile-cache.cjs", readFileSync(compileCache, "utf8"));
    write("index.ts", "module.exports = 1;");
    write("stacks/config.ts", "// one");
    write("node_modules/typescript/bin/tsc", fakeCompiler);
    write("node_modules/typescript/package.json", '{"name":"typescript","version":"0.0.0"}');
  });
  afterEach(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  it("builds once, and again only when a source changed", () => {
    assert.equal(run().stdout, "1");
    assert.equal(run().stdout, "1");
    assert.equal(builds(), 1);
    write("stacks/config.ts", "// two");
    assert.equal(run().stdout, "1");
    assert.equal(builds(), 2);
    write("index.ts", "module.exports = 2;");
    assert.equal(run().stdout, "2");
    assert.equal(builds(), 3);
  });

  it("refuses to run an old build of sources that do not compile", () => {
    assert.equal(run().stdout, "1");
    write("index.ts", "// broken: index.ts");
    const refused = run();
    assert.notEqual(refused.status, 0);
    assert.equal(refused.stdout, "");
    assert.match(refused.stderr, /does not compile.*\n.*error TS2304/);
  });

  it("runs when what does not compile is a test, which the program does not load", () => {
    write("index.ts", "module.exports = 3; // broken: test/unit/x.test.ts");
    assert.equal(run().stdout, "3");
    write("index.ts", "module.exports = 4; // broken: stacks/config.ts");
    assert.notEqual(run().status, 0);
  });

  it("stops before anything runs when a package of the checkout is not installed (S19)", () => {
    write("package.json", '{"name":"x","dependencies":{"typescript":"0.0.0"}}');
    write("packages/rows/package.json", '{"name":"rows","dependencies":{"pg":"8.0.0"}}');
    const refused = run();
    assert.notEqual(refused.status, 0);
    assert.equal(refused.stdout, "");
    assert.match(refused.stderr, /A package of this checkout is not installed: pg\.\n.*npm ci/);
    // A package in its own directory counts too.
    write("packages/rows/node_modules/pg/package.json", '{"name":"pg"}');
    assert.equal(run().stdout, "1");
  });

  it("says what is missing when there is no compiler for a stale build", () => {
    assert.equal(run().stdout, "1");
    write("index.ts", "module.exports = 2;");
    rmSync(join(directory, "node_modules"), { recursive: true });
    const refused = run();
    assert.notEqual(refused.status, 0);
    assert.match(refused.stderr, /TypeScript is not installed/);
  });
});
