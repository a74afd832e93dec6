import assert from "node:assert/strict";
import { execFileSync, fork } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { isUserError, UserError } from "@mcp-fleet/errors";

import { silentLog } from "../../../lab/log";
import { readHistory } from "../../../lab/runner/history";
import { type RunnerConfig, type RunOptions, runProgram } from "../../../lab/runner/runner";
import { State } from "../../../lab/runner/state";

const token = "token-that-nobody-may-see";
const passphrase = "correct horse";

describe("lab runner: a program without a cluster", function () {
  this.timeout(60_000);
  let directory: string;
  let journal: string;
  let stateFile: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "lab-runner-"));
    journal = join(directory, "journal");
    stateFile = join(directory, "state", "state.json");
    writeFileSync(journal, "");
    writeFileSync(join(directory, "Pulumi.yaml"), "name: fixture\nruntime: nodejs\n");
    const main = join(__dirname, "fixture", "program.js");
    writeFileSync(join(directory, "package.json"), JSON.stringify({ name: "fixture", main }));
  });

  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const options = (
    mode: RunOptions["mode"],
    config: Record<string, string> = {},
    more: Partial<RunOptions> = {},
  ): RunOptions => ({
    mode,
    projectDir: directory,
    stack: "test",
    config: settings(config),
    stateFile,
    statePassphrase: passphrase,
    log: silentLog,
    timeoutSeconds: 60,
    ...more,
  });
  const settings = (config: Record<string, string>): RunnerConfig => ({
    "fixture:journal": { value: journal },
    "fixture:token": { value: token, secret: true },
    ...Object.fromEntries(
      Object.entries(config).map(([key, value]) => [`fixture:${key}`, { value }]),
    ),
  });
  const calls = (): string[] => {
    const lines = readFileSync(journal, "utf8").split("\n").filter(Boolean);
    writeFileSync(journal, "");
    return lines;
  };
  const ops = (result: { changes: readonly { urn: string; op: string }[] }): string[] =>
    result.changes.map((change) => `${change.op} ${change.urn.split("::").at(-1) ?? ""}`);

  it("makes everything in the program's order, then changes nothing, then only what changed", async () => {
    const first = await runProgram(options("up"));
    assert.deepEqual(ops(first).sort(), ["create a", "create b", "create c", "create password"]);
    assert.deepEqual(calls(), ["create fixed", "create first", "create fixed"]);
    assert.deepEqual(first.outputs.names, ["made fixed", "made first", "made fixed"]);
    assert.deepEqual([...first.secretOutputs].sort(), ["derived", "secretPassword"]);
    const urn = first.changes.find((change) => change.urn.endsWith("::a"))?.urn;
    assert.equal(
      urn,
      "urn:pulumi:test::fixture::fixture:index:Group$pulumi-nodejs:dynamic/fixture:Recorder::a",
    );

    const second = await runProgram(options("up"));
    assert.deepEqual([...new Set(second.changes.map((change) => change.op))], ["same"]);
    assert.deepEqual(calls(), []);
    assert.deepEqual(second.outputs, first.outputs);

    const third = await runProgram(options("up", { text: "second" }));
    assert.deepEqual(calls(), ["update second"]);
    assert.deepEqual(third.outputs.names, ["made fixed", "made second", "made fixed"]);
    assert.equal(third.outputs.secretPassword, first.outputs.secretPassword);
  });

  it("keeps every secret out of its log and its files, which only their owner may read", async () => {
    const lines: string[] = [];
    const log = { ...silentLog, info: (text: string) => void lines.push(text) };
    const first = await runProgram(options("up", {}, { log }));
    assert.ok(
      lines.some((line) => line.endsWith("the token is [secret]")),
      lines.join("\n"),
    );
    assert.ok(!lines.join("\n").includes(token));
    const password = String(first.outputs.secretPassword);
    assert.equal(password.length, 24);
    const files = execFileSync("find", [join(directory, "state"), "-type", "f"]).toString();
    const written = files.trim().split("\n");
    assert.ok(written.length >= 2, files);
    for (const file of written) {
      const text = readFileSync(file, "utf8");
      for (const secret of [token, password, Buffer.from(token).toString("base64")]) {
        assert.ok(!text.includes(secret), `${file} holds a secret`);
      }
      assert.equal(statSync(file).mode & 0o777, 0o600, file);
    }
    const history = readHistory(new State(stateFile, "test", passphrase));
    assert.deepEqual(
      history.map((entry) => [entry.version, entry.mode, entry.result]),
      [[1, "up", "succeeded"]],
    );
    assert.equal(history[0]?.config["fixture:token"]?.value, token);
    assert.throws(() => new State(stateFile, "test", "wrong"), UserError);
  });

  it("previews without a write, with what is not known left out", async () => {
    const preview = await runProgram(options("preview"));
    assert.deepEqual(ops(preview).sort(), ["create a", "create b", "create c", "create password"]);
    assert.deepEqual(preview.outputs, {});
    assert.deepEqual(calls(), []);
    assert.ok(!existsSync(join(directory, "state")));
    const shown = preview.registered.find((item) => item.name === "b");
    assert.deepEqual(shown?.inputs, { journal, text: "first", token, fail: "", delay: 0 });

    await runProgram(options("up"));
    calls();
    const before = readFileSync(stateFile, "utf8");
    const next = await runProgram(options("preview", { text: "second", without: '["c"]' }));
    assert.deepEqual(ops(next).sort(), ["delete c", "same a", "same password", "update b"]);
    assert.equal(readFileSync(stateFile, "utf8"), before);
    assert.deepEqual(calls(), []);
  });

  it("removes in reverse order what the program no longer has, and all of it on destroy", async () => {
    await runProgram(options("up"));
    calls();
    const less = await runProgram(options("up", { without: '["b","c"]' }));
    assert.deepEqual(calls(), ["delete fixed", "delete first"]);
    assert.deepEqual(ops(less).slice(-2), ["delete c", "delete b"]);
    await runProgram(options("up"));
    calls();
    await runProgram(options("destroy"));
    assert.deepEqual(calls(), ["delete fixed", "delete first", "delete fixed"]);
    assert.equal(new State(stateFile, "test", passphrase).resources.size, 0);
  });

  it("stops at the first failure, keeps what was done, deletes nothing and names no secret", async () => {
    await runProgram(options("up", { without: '["b"]' }));
    calls();
    const failing = options("up", { without: '["c"]', failing: "b" });
    await assert.rejects(runProgram(failing), (error: unknown) => {
      assert.ok(isUserError(error));
      assert.equal(error.problem, 'Recorder b: no luck with "[secret]"');
      return true;
    });
    assert.deepEqual(calls(), ["create first"]);
    const state = new State(stateFile, "test", passphrase);
    const names = [...state.resources.values()].map((item) => item.name);
    assert.ok(names.includes("a") && names.includes("c") && !names.includes("b"), names.join());
    assert.equal(readHistory(state).at(-1)?.result, "failed");
    const rest = await runProgram(options("up"));
    assert.ok(ops(rest).includes("create b") && ops(rest).includes("same a"));
  });

  it("tries a resource again that exists and did not become ready", async () => {
    const late = { failing: "b", how: "init" };
    await assert.rejects(runProgram(options("up", late)), /Recorder b: made, not ready/);
    assert.deepEqual(calls(), ["create fixed", "create first"]);
    const next = await runProgram(options("up", late));
    assert.deepEqual(calls(), ["update first", "create fixed"]);
    assert.ok(ops(next).includes("update b"));
  });

  it("survives being killed in the middle", async () => {
    const slow = { failing: "b", how: "hang" };
    const parent = fork(join(__dirname, "fixture", "start.js"), [
      JSON.stringify(options("up", slow, { log: silentLog })),
    ]);
    const pid = await new Promise<number>((resolve) => {
      const look = setInterval(() => {
        if (!readFileSync(journal, "utf8").includes("create first")) return;
        clearInterval(look);
        const lock = JSON.parse(readFileSync(`${stateFile}.lock`, "utf8")) as { pid: number };
        resolve(lock.pid);
      }, 20);
    });
    await assert.rejects(
      runProgram(options("up")),
      /Another run \(process \d+, since .*state\.json/,
    );
    const ended = new Promise((resolve) => parent.once("exit", resolve));
    process.kill(pid, "SIGKILL");
    assert.equal(await ended, 1);
    calls();
    const again = await runProgram(options("up"));
    assert.deepEqual(calls(), ["create first", "create fixed"]);
    assert.ok(ops(again).includes("same a"));
  });

  it("ends a run that is aborted or takes too long, and says during what", async () => {
    const hanging = { failing: "a", how: "hang" };
    const late = options("up", hanging, { timeoutSeconds: 5, graceSeconds: 30 });
    await assert.rejects(runProgram({ ...late, graceSeconds: 1 }), /did not end within 5 seconds/);
    calls();
    const controller = new AbortController();
    const aborted = runProgram({
      ...late,
      config: settings({ delay: "3000" }),
      timeoutSeconds: 60,
      signal: controller.signal,
    });
    const look = setInterval(() => {
      if (calls().includes("create fixed")) controller.abort();
    }, 20);
    await assert.rejects(aborted, /interrupted during: Recorder a\./).finally(() => {
      clearInterval(look);
    });
    const names = [...new State(stateFile, "test", passphrase).resources.values()].map(
      (item) => item.name,
    );
    // The step under way was let to its end, and the next one was not begun.
    assert.ok(names.includes("a") && !names.includes("b"), names.join());
  });

  it("says when the program is not there or has what it does not know", async () => {
    const manifest = join(directory, "package.json");
    writeFileSync(manifest, JSON.stringify({ name: "fixture", main: "nowhere.js" }));
    await assert.rejects(runProgram(options("up")), /nowhere\.js does not exist/);
    writeFileSync(join(directory, "odd.js"), oddProgram);
    writeFileSync(manifest, JSON.stringify({ name: "fixture", main: "odd.js" }));
    await assert.rejects(
      runProgram(options("up")),
      /does not know the resource type aws:s3\/bucket:Bucket/,
    );
  });
});

const oddProgram = `
const pulumi = require(${JSON.stringify(require.resolve("@pulumi/pulumi"))});
new pulumi.CustomResource("aws:s3/bucket:Bucket", "bucket", {});
`;
