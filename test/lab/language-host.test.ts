import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { version as sdkVersion } from "@pulumi/pulumi/package.json";

import { paths } from "../../lab/paths";
import { eventually } from "../support/eventually";
import { PluginCli, type Project } from "../support/plugin-cli";

const hidden = "hunter2-of-the-config";

/** What the program sees of its environment, as outputs. */
const looksAround = `
const pulumi = require("@pulumi/pulumi");
const fs = require("node:fs");
const config = new pulumi.Config();
const commandLine = (pid) => fs.readFileSync("/proc/" + pid + "/cmdline", "utf8");
exports.hidden = config.requireSecret("hidden");
exports.nested = config.requireObject("nested");
exports.title = process.title;
exports.where = [pulumi.getOrganization(), pulumi.getProject(), pulumi.getStack()];
exports.inArguments = [process.pid, process.ppid].some((pid) => commandLine(pid).includes("hunter2"));
console.log("a line on standard output");
console.error("a line on standard error");
`;

/** A dynamic resource whose provider writes a file after creating one. */
const dynamic = (body: string, resources: string): string => `
const pulumi = require("@pulumi/pulumi");
class Thing extends pulumi.dynamic.Resource {
  constructor(name, props, options) {
    super({
      async create(inputs) { ${body} return { id: "thing-1", outs: inputs }; },
      async diff(id, olds, news) { return { changes: olds.size !== news.size }; },
      async update(id, olds, news) { return { outs: { ...news, before: olds.size } }; },
      async delete(id) { require("node:fs").writeFileSync("deleted", id); },
    }, name, { before: undefined, ...props }, options, "trial", "Thing");
  }
}
${resources}
`;

/** The lab's own language host under the real CLI: what it starts, forwards and stops. */
describe("the lab's language host under the Pulumi CLI", function () {
  this.timeout(60_000);
  let cli: PluginCli;
  let project: Project;

  before(async () => {
    cli = await PluginCli.open();
    project = cli.project("trial", looksAround, {
      runtime: {
        name: "nodejs",
        options: { typescript: false, nodeargs: "--title='of the trial'" },
      },
    });
    await project.done(["stack", "init", "dev"]);
    await project.done(["config", "set", "--secret", "hidden"], hidden);
    await project.done(["config", "set", "--path", "nested.list[0]", "one"]);
  });
  after(() => cli?.remove());

  it("runs a program with its configuration, and keeps its secrets out of arguments and state", async () => {
    const said = await project.up();
    assert.match(said, /a line on standard output/);
    assert.match(said, /a line on standard error/);
    assert.doesNotMatch(said, /warning|from \$PATH/);
    assert.deepEqual(await project.outputs(), {
      hidden,
      nested: { list: ["one"] },
      title: "of the trial",
      where: ["organization", "trial", "dev"],
      inArguments: false,
    });
    const state = await project.done(["stack", "export"]);
    assert.ok(!state.includes(hidden));
    assert.ok(state.includes("of the trial"));
  });

  it("shows a thrown error once, and tells an exit code of the program's own", async () => {
    project.program(`throw new Error("out of tea")`);
    const thrown = await project.try(["preview", "--suppress-progress"]);
    assert.notEqual(thrown.exitCode, 0);
    assert.equal(thrown.said.match(/out of tea/g)?.length, 1);
    assert.doesNotMatch(thrown.said, /exit code/);
    project.program(`process.exit(7)`);
    const ended = await project.try(["preview", "--suppress-progress"]);
    assert.notEqual(ended.exitCode, 0);
    assert.match(ended.said, /the program ended with exit code 7/);
  });

  it("starts dynamic providers: create, update, nothing to do, delete", async () => {
    const sized = (size: number): string =>
      dynamic(
        "",
        `const thing = new Thing("thing", { size: ${size} }); exports.before = thing.before;`,
      );
    project.program(sized(1));
    assert.match(await project.up(), /\+ 1 created/);
    project.program(sized(2));
    assert.match(await project.up(), /~ 1 updated/);
    assert.deepEqual(await project.outputs(), { before: 1 });
    assert.match(await project.up(), /2 unchanged/);
    await project.done(["destroy", "--yes", "--skip-preview", "--suppress-progress"]);
    assert.equal(readFileSync(join(project.directory, "deleted"), "utf8"), "thing-1");
  });

  it("Ctrl-C: the step under way ends and is in the state, the program is interrupted, nothing stays behind", async () => {
    project.program(
      dynamic(
        `const fs = require("node:fs");
         fs.writeFileSync("creating", "");
         await new Promise((resolve) => setTimeout(resolve, 2000));`,
        `new Thing("thing", { size: 1 });
         require("node:fs").writeFileSync("pid", String(process.pid));
         process.on("SIGINT", () => { require("node:fs").writeFileSync("interrupted", ""); process.exit(1); });
         module.exports = new Promise((resolve) => setTimeout(resolve, 60_000));`,
      ),
    );
    const running = project.start(["up", "--yes", "--skip-preview", "--suppress-progress"]);
    const file = (name: string): string => join(project.directory, name);
    await eventually(
      "a resource is being made",
      () => Promise.resolve(existsSync(file("creating"))),
      30,
    );
    running.kill("SIGINT");
    const { all, exitCode } = await running;
    assert.notEqual(exitCode, 0);
    assert.match(all, /update canceled/);
    assert.doesNotMatch(all, /exit code|signal/);
    assert.ok(existsSync(file("interrupted")));
    assert.match(await project.done(["stack", "export"]), /"id": "thing-1"/);
    assert.throws(() => process.kill(Number(readFileSync(file("pid"), "utf8")), 0), /ESRCH/);
    await project.done(["destroy", "--yes", "--skip-preview"]);
  });

  it("runs policy packs: the project's own refuses, and one that reads stack and configuration", async () => {
    const reader = cli.folder(
      "reader",
      `const pulumi = require("@pulumi/pulumi");
       const { PolicyPack } = require("@pulumi/policy");
       const told = [pulumi.getProject(), pulumi.getStack(), new pulumi.Config().require("nested")].join(" ");
       new PolicyPack("reader", { policies: [{
         name: "told", description: "what it was told", enforcementLevel: "advisory",
         validateStack: (args, report) => report(told),
       }] });`,
    );
    writeFileSync(
      join(reader, "PulumiPolicy.yaml"),
      JSON.stringify({ runtime: { name: "nodejs", options: { typescript: false } } }),
    );
    const cutover = (options: string): string => `
      const pulumi = require("@pulumi/pulumi");
      class Cutover extends pulumi.dynamic.Resource {
        constructor(name, options) {
          super({ async create() { return { id: "1" }; } }, name, {}, options, "mcp-fleet", "Cutover");
        }
      }
      new Cutover("cutover", ${options});`;
    const packs = ["--policy-pack", join(paths.projectDir, "policy"), "--policy-pack", reader];
    project.program(cutover("{}"));
    const passed = await project.done(["preview", "--suppress-progress", ...packs]);
    assert.match(passed, /trial dev \{"list":\["one"\]\}/);
    project.program(cutover(`{ ignoreChanges: ["plan"] }`));
    const refused = await project.try(["preview", "--suppress-progress", ...packs]);
    assert.notEqual(refused.exitCode, 0);
    assert.match(refused.said, /\[mandatory\] +cutover-never-replaced/);
    assert.match(refused.said, /the option ignoreChanges is not for a Cutover; remove it\./);
  });

  it("pulumi about: the Node.js that runs, the package manager and the installed packages", async () => {
    const about = await project.done(["about"]);
    assert.ok(about.includes(`executable='${process.execPath}' version='${process.version}'`));
    assert.match(about, /packagemanager='npm'/);
    assert.match(about, new RegExp(`@pulumi/pulumi +${sdkVersion}`));
    assert.doesNotMatch(about, /warning/);
  });

  it("pulumi install: the package manager's own words, and its failure", async () => {
    const alone = join(cli.backend.directory, "alone");
    mkdirSync(join(alone, "near"), { recursive: true });
    const manifest = (name: string, dependencies: object): string =>
      JSON.stringify({ name, version: "0.1.0", dependencies });
    writeFileSync(join(alone, "near", "package.json"), manifest("near", {}));
    writeFileSync(join(alone, "package.json"), manifest("alone", { near: "file:near" }));
    writeFileSync(join(alone, ".npmrc"), "audit=false\nfund=false\n");
    writeFileSync(join(alone, "Pulumi.yaml"), JSON.stringify({ name: "alone", runtime: "nodejs" }));
    const run = cli.at(alone);
    assert.match(await run.done(["install"]), /Installing dependencies with npm[^]*Finished/);
    assert.ok(existsSync(join(alone, "node_modules", "near", "package.json")));
    writeFileSync(join(alone, "package.json"), manifest("alone", { far: "nowhere:1" }));
    const failed = await run.try(["install"]);
    assert.notEqual(failed.exitCode, 0);
    assert.match(failed.said, /`npm install` ended with exit code/);
  });
});
