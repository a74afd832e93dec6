import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, delimiter, dirname, join } from "node:path";

import { execa } from "execa";

const root = join(__dirname, "..", "..", "..");
const example = join(root, "examples", "library");

/** Runs one of the example's programs in a process of its own, under the SDK's mocks, and prints what it registered. */
const harness = `
const pulumi = require("@pulumi/pulumi");
const registered = [];
async function main() {
  await pulumi.runtime.setMocks({
    newResource: ({ type, name, inputs }) => {
      registered.push({ type, name, provider: inputs.__provider });
      const state = type.endsWith(":Cutover") ? { ...inputs, generation: 7 } : inputs;
      return { id: name, state };
    },
    call: ({ token }) => { throw new Error("unexpected call of " + token); },
  }, "assistant", "test", false);
  pulumi.runtime.setAllConfig(
    {
      "assistant:target": "in-cluster",
      "assistant:databaseUrl": "postgresql://app:secret@db.example/app",
      "assistant:adminUrl": "postgresql://admin:secret@db.example/app",
    },
    ["assistant:databaseUrl", "assistant:adminUrl"],
  );
  const program = require("./out/" + process.argv[2] + ".js");
  await pulumi.runtime.disconnect();
  const generation = await program.generation?.promise();
  process.stdout.write(JSON.stringify({ url: program.githubUrl, generation, registered }));
}
main();
`;

describe("the components as a library", function () {
  this.timeout(5 * 60_000);
  let directory: string;
  let tarball: string;

  const inDirectory = async (command: string, args: readonly string[]): Promise<string> => {
    const { stdout } = await execa(command, args, {
      cwd: directory,
      env: { PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ""}` },
      timeout: 240_000,
    });
    return stdout;
  };

  const run = async (program: string): Promise<Answer> =>
    JSON.parse(await inDirectory(process.execPath, ["run.cjs", program])) as Answer;

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), "mcp-fleet-library-"));
    cpSync(example, directory, { recursive: true });
    const pack = [join(root, "packages", "components", "pack.cjs"), directory];
    tarball = (await inDirectory(process.execPath, pack)).trim();
  });

  after(() => rmSync(directory, { recursive: true, force: true }));

  it("are one tarball without tests, lab, sources or anything that may hold a secret", async () => {
    const paths = (await inDirectory("tar", ["-tzf", tarball])).split("\n");
    assert.ok(paths.includes("package/LICENSE"));
    assert.ok(paths.includes("package/dist/own/cutover-runner/index.js"));
    const odd = paths.filter(
      (path) => !/^package\/(package\.json|README\.md|LICENSE|dist\/.*\.(js|d\.ts))$/.test(path),
    );
    assert.deepEqual(odd, []);
    assert.deepEqual(
      paths.filter((path) => /\/(test|lab|stacks)\/|\.test\./.test(path)),
      [],
    );
  });

  it("install, compile and run in a program outside of this repository", async () => {
    const quiet = ["--no-audit", "--no-fund", "--prefer-offline", "--ignore-scripts"];
    const manifest = JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as Manifest;
    manifest.dependencies["@mcp-fleet/components"] = `file:${tarball}`;
    writeFileSync(join(directory, "package.json"), JSON.stringify(manifest));
    await inDirectory("npm", ["install", ...quiet]);
    assert.deepEqual(readdirSync(join(directory, "node_modules", "@mcp-fleet")), ["components"]);
    await inDirectory(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "."]);
    writeFileSync(join(directory, "run.cjs"), harness);
    const answer = await run("index");

    assert.equal(answer.url, "http://github-mcp.assistant.svc.cluster.local:8082/mcp");
    assert.equal(answer.generation, 7);
    const order = answer.registered.map(({ type, name }) => `${type.split(":").at(-1)} ${name}`);
    const expected = ["Deployment github-mcp", "Cutover assistant-rows"];
    expected.push("Deployment assistant", "Settle assistant-settle");
    assert.deepEqual(
      order.filter((one) => expected.includes(one)),
      expected,
    );
    const provider =
      answer.registered.find(({ type }) => type.endsWith(":Cutover"))?.provider ?? "";
    assert.match(provider, /require\("@mcp-fleet\/components\/runner"\)/);
    // What the provider requires by name when it runs is there, from the program's directory; so is every component.
    for (const loaded of [
      'require("@mcp-fleet/components/runner").runCutoverStep',
      'require("@mcp-fleet/components").Studio',
    ]) {
      assert.equal(await inDirectory(process.execPath, ["-p", `typeof ${loaded}`]), "function");
    }
  });

  it("have each component in a program of the example", async () => {
    const programs = readdirSync(example).filter((name) => name.endsWith(".ts"));
    const used = new Set<string>();
    for (const program of programs) {
      const { registered } = await run(basename(program, ".ts"));
      for (const { type } of registered) used.add(type.split(":").at(-1) ?? "");
    }
    const list =
      'Object.values(require("@mcp-fleet/components")).filter((one) => require("@pulumi/pulumi").Resource.isPrototypeOf(one)).map(({ name }) => name).join()';
    const exported = (await inDirectory(process.execPath, ["-p", list])).split(",");
    assert.ok(exported.length > 10, exported.join());
    assert.deepEqual(
      exported.filter((name) => !used.has(name)),
      [],
    );
  });
});

interface Manifest {
  readonly dependencies: Record<string, string>;
}

interface Answer {
  readonly url?: string;
  readonly generation?: number;
  readonly registered: readonly { type: string; name: string; provider?: string }[];
}
