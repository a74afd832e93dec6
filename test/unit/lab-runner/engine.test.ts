import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { parse } from "yaml";

import { chooseEngine, type EngineRequest } from "../../../lab/engine";
import { secretSettings } from "../../../lab/engine/cli-config";
import { cliEngine } from "../../../lab/engine/pulumi";
import { silentLog } from "../../../lab/log";

/** Stands in for the CLI to see how it is called; the real one runs in the engine tests. */
const recorder = `#!${process.execPath}
const fs = require("node:fs");
const args = process.argv.slice(2);
const input = fs.readFileSync(0, "utf8");
const { PULUMI_BACKEND_URL, PULUMI_CONFIG_PASSPHRASE, KUBECONFIG } = process.env;
fs.appendFileSync(__dirname + "/calls", JSON.stringify({ args, input, cwd: process.cwd(), PULUMI_BACKEND_URL, PULUMI_CONFIG_PASSPHRASE, KUBECONFIG }) + "\\n");
if (args[0] === "version") console.log("v3.999.0");
if (args[0] === "plugin") console.log(JSON.stringify([{ name: "kubernetes", kind: "resource", version: "v1.0.0" }]));
if (args[0] === "stack" && args[1] === "select") {
  if (!fs.existsSync("Pulumi.test.yaml")) fs.writeFileSync("Pulumi.test.yaml", "encryptionsalt: v1:salt\\n");
}
if (args[1] === "output") {
  console.log(JSON.stringify({ plain: 1, hidden: args.includes("--show-secrets") ? "x" : "[secret]" }));
}
if (args[0] === "up") {
  const file = args[args.indexOf("--event-log") + 1];
  const step = (op, type, custom, inputs) => ({ metadata: { op, type, urn: "urn::p::" + type + "::n", new: { custom, inputs } } });
  const dynamic = step("update", "pulumi-nodejs:dynamic/x:Y", true, { a: 1, b: ["04da6b54-80e4-46f7-96ec-b56ff0331ba9"], __provider: "code" });
  const events = [
    { resourcePreEvent: dynamic },
    { resOutputsEvent: dynamic },
    { resOutputsEvent: step("same", "pulumi:pulumi:Stack", false) },
    { resOutputsEvent: step("create", "a:b:Component", false) },
    { resOutputsEvent: step("create-replacement", "a:b:Custom", true) },
    { resOutputsEvent: step("replace", "a:b:Custom", true) },
  ];
  if (fs.existsSync(__dirname + "/fail")) {
    events.push({ diagnosticEvent: { severity: "error", message: "<{%reset%}>server x is away<{%reset%}>" } });
    process.exitCode = 255;
  }
  fs.writeFileSync(file, events.map((event) => JSON.stringify(event)).join("\\n"));
  console.log("a line");
}
`;

describe("engine", () => {
  let directory: string;
  let request: EngineRequest;
  const before = { ...process.env };

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "engine-"));
    mkdirSync(join(directory, "bin"));
    writeFileSync(join(directory, "bin", "pulumi"), recorder, { mode: 0o755 });
    const projectDir = join(directory, "project");
    mkdirSync(projectDir);
    writeFileSync(
      join(projectDir, "Pulumi.yaml"),
      "name: demo\nruntime: nodejs\nbackend: {url: x}\n",
    );
    request = {
      projectDir,
      project: "demo",
      stack: "test",
      runDir: join(directory, "run"),
      kubeconfig: "/some/kubeconfig",
      statePassphrase: "open-sesame",
      log: silentLog,
      config: {
        "demo:target": { value: "in-cluster" },
        "demo:servers": { value: '{"github":{"replicas":2}}' },
        "demo:databaseUrl": { value: "postgres://u:secret-1@h/d", secret: true },
        "demo:serverSecrets": { value: '{"git.hub":{"TOKEN":"secret-2"}}', secret: true },
      },
    };
  });

  afterEach(() => {
    process.env = { ...before };
    rmSync(directory, { recursive: true, force: true });
  });

  const calls = (): { args: string[]; input: string; [key: string]: unknown }[] =>
    readFileSync(join(directory, "bin", "calls"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { args: string[]; input: string });

  it("takes the lab runner without a CLI, or with one that lacks plugins, and says why", async () => {
    delete process.env.MCP_FLEET_PULUMI;
    process.env.PATH = "/nowhere";
    const without = await chooseEngine(request.projectDir);
    assert.deepEqual(
      [without.name, without.reason],
      ["lab runner", "the Pulumi CLI is not on PATH"],
    );

    process.env.PATH = join(directory, "bin");
    assert.equal((await chooseEngine(request.projectDir)).name, "pulumi CLI v3.999.0");
    const folder = join(request.projectDir, "node_modules", "@pulumi", "kubernetes");
    mkdirSync(folder, { recursive: true });
    const wants = (version: string): void => {
      const manifest = { version, pulumi: { resource: true, name: "kubernetes" } };
      writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
    };
    wants("1.0.0");
    assert.equal((await chooseEngine(request.projectDir)).name, "pulumi CLI v3.999.0");
    wants("2.0.0");
    const lacking = await chooseEngine(request.projectDir);
    assert.equal(lacking.name, "lab runner");
    assert.match(lacking.reason ?? "", /v3\.999\.0 lacks the plugins kubernetes 2\.0\.0 /);

    process.env.MCP_FLEET_PULUMI = join(directory, "nothing-here");
    await assert.rejects(chooseEngine(request.projectDir), /MCP_FLEET_PULUMI names does not run/);
    process.env.MCP_FLEET_PULUMI = "off";
    assert.equal((await chooseEngine(request.projectDir)).name, "lab runner");
  });

  it("runs the CLI in a project of its own, with secrets on standard input only", async () => {
    const engine = cliEngine(join(directory, "bin", "pulumi"), "v3.999.0");
    const lines: string[] = [];
    const log = { ...silentLog, info: (text: string) => void lines.push(text) };
    const result = await engine.up({ ...request, log });
    assert.deepEqual(lines, ["a line"]);
    assert.deepEqual(result.changes, [
      {
        urn: "urn::p::pulumi-nodejs:dynamic/x:Y::n",
        type: "pulumi-nodejs:dynamic/x:Y",
        op: "update",
      },
      { urn: "urn::p::a:b:Custom::n", type: "a:b:Custom", op: "update" },
    ]);
    assert.deepEqual(result.registered[0]?.inputs, { a: 1 });
    assert.deepEqual(result.registered[0]?.unknown, ["b"]);
    assert.deepEqual(result.outputs, { plain: 1, hidden: "x" });
    assert.deepEqual(result.secretOutputs, ["hidden"]);

    const made = join(request.runDir, "pulumi-project");
    for (const call of calls()) {
      assert.ok(!/secret-\d|open-sesame/.test(call.args.join(" ")), call.args.join(" "));
      assert.equal(call.cwd, made);
      assert.equal(call.PULUMI_BACKEND_URL, `file://${request.runDir}/pulumi`);
      assert.equal(call.PULUMI_CONFIG_PASSPHRASE, "open-sesame");
      assert.equal(call.KUBECONFIG, "/some/kubeconfig");
    }
    const set = calls().filter((call) => call.args[0] === "config");
    assert.deepEqual(
      set.map((call) => [call.args[3], call.args.includes("--path"), call.input]),
      [
        ["demo:databaseUrl", false, "postgres://u:secret-1@h/d"],
        ['demo:serverSecrets["git.hub"]["TOKEN"]', true, "secret-2"],
      ],
    );
    assert.deepEqual(parse(readFileSync(join(made, "Pulumi.test.yaml"), "utf8")), {
      encryptionsalt: "v1:salt",
      config: { "demo:target": "in-cluster", "demo:servers": { github: { replicas: 2 } } },
    });
    assert.deepEqual(parse(readFileSync(join(made, "Pulumi.yaml"), "utf8")), {
      name: "demo",
      runtime: "nodejs",
      main: request.projectDir,
    });
    assert.ok(!existsSync(join(request.projectDir, "Pulumi.test.yaml")));
    assert.ok(!existsSync(join(request.runDir, "pulumi-events.json")));
  });

  it("fails with the CLI's own first error", async () => {
    writeFileSync(join(directory, "bin", "fail"), "");
    const engine = cliEngine(join(directory, "bin", "pulumi"), "v3.999.0");
    await assert.rejects(engine.up(request), /^UserError: server x is away\n/);
  });

  it("sets nothing for an empty secret object and one value for each leaf of another", () => {
    const config = {
      "p:empty": { value: "{}", secret: true },
      "p:list": { value: '{"a":["x",{"b":2}]}', secret: true },
      "p:text": { value: "{not json", secret: true },
      "p:open": { value: "x" },
    };
    assert.deepEqual(secretSettings(config), [
      { key: 'p:list["a"][0]', path: true, value: "x" },
      { key: 'p:list["a"][1]["b"]', path: true, value: "2" },
      { key: "p:text", path: false, value: "{not json" },
    ]);
  });
});
