import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { quoted } from "@mcp-fleet/errors";
import { execa } from "execa";

import { onPath } from "../../../lab/exec";
import { sendJson, type StubApi, stubApi } from "../../support/api-server";
import { mcpFleet } from "../../support/cli";

/** The text after `mcp-fleet`, and its completions. */
const cases: readonly [typed: string, completed: readonly string[]][] = [
  ["statu", ["status"]],
  ["-n prod stop x --fo", ["--force"]],
  ["list --name", ["--namespace"]],
  ["stop we", ["weather"]],
];

const deployment = (name: string, namespace: string): object => ({
  metadata: { name, namespace, labels: { "app.kubernetes.io/component": "mcp-server" } },
  spec: {},
});

/** Types into an interactive zsh, presses Tab, and prints the line once it is as expected. */
const zshDriver = `
zmodload zsh/zpty
zpty shell zsh -d -i
zpty -r shell answer '*READY*'
for typed wanted in "$@"; do
  zpty -w -n shell $'\\C-u'"mcp-fleet $typed"$'\\t'
  zpty -r shell answer "*mcp-fleet $wanted*" && print -r -- "$wanted"
done
zpty -d shell
`;

describe("completion, by the shells themselves", function () {
  // Each case starts the command line, several seconds on a busy machine.
  this.timeout(120_000);
  let directory: string;
  let api: StubApi;
  /** The command as a shell finds it, and a cluster with servers. */
  let env: Record<string, string>;

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), "mcp-fleet-completion-"));
    api = await stubApi((_request, response, { pathname }) => {
      const [, namespace = "", kind] = /namespaces\/([^/]+)\/(\w+)$/.exec(pathname) ?? [];
      if (namespace === "slow") return;
      const servers = namespace === "other" ? ["github"] : ["weather", "files"];
      const all = servers.map((name) => deployment(name, namespace));
      sendJson(response, 200, { items: kind === "deployments" ? all : [] });
    });
    const kubeconfig = join(directory, "kubeconfig");
    writeFileSync(kubeconfig, api.kubeconfig);
    const command = join(directory, "mcp-fleet");
    writeFileSync(
      command,
      `#!/bin/sh\nexec ${process.execPath} ${join(process.cwd(), "bin", "mcp-fleet.cjs")} "$@"\n`,
      { mode: 0o755 },
    );
    const path = `${directory}:${process.env.PATH ?? ""}`;
    env = { HOME: directory, KUBECONFIG: kubeconfig, PATH: path };
  });
  after(() => {
    api.die();
    rmSync(directory, { recursive: true, force: true });
  });

  /** The file with a shell's script. Skips the test if the shell is not installed. */
  async function scriptFor(test: Mocha.Context, shell: string): Promise<string> {
    if (!(await onPath(shell))) {
      process.stdout.write(`    skipped: ${shell} is not installed\n`);
      test.skip();
    }
    const { exitCode, stdout } = await mcpFleet(["completion", shell]);
    assert.equal(exitCode, 0);
    const file = join(directory, `completion.${shell}`);
    writeFileSync(file, `${stdout}\n`);
    return file;
  }

  const bash = async (file: string, words: readonly string[]): Promise<string[]> => {
    const all = ["mcp-fleet", ...words].map(quoted).join(" ");
    const ask = `COMP_WORDS=(${all}); COMP_CWORD=${words.length}; _mcp_fleet`;
    const print = `printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = await execa("bash", ["-c", `source ${file}; ${ask}; ${print}`], { env });
    return stdout.split("\n").filter((line) => line !== "");
  };

  it("bash", async function () {
    const file = await scriptFor(this, "bash");
    for (const [typed, completed] of cases)
      assert.deepEqual(await bash(file, typed.split(" ")), completed);
  });

  it("bash runs nothing of what is typed", async function () {
    const file = await scriptFor(this, "bash");
    const made = join(directory, "made");
    for (const word of [`$(touch ${made})`, `\`touch ${made}\``, `; touch ${made}`, ">", made])
      await bash(file, ["stop", word, ""]);
    assert.ok(!existsSync(made));
  });

  it("zsh", async function () {
    const file = await scriptFor(this, "zsh");
    const settings = ["PS1=''", "autoload -Uz compinit", "compinit -u -D", `source ${file}`];
    writeFileSync(join(directory, ".zshrc"), [...settings, "print READY\n"].join("\n"));
    const lines = cases.map(([typed, [last = ""]]) => [typed, typed.replace(/\S+$/, last)]);
    const { stdout } = await execa("zsh", ["-f", "-c", zshDriver, "zsh", ...lines.flat()], {
      ...{ timeout: 20_000, stdin: "ignore" },
      env: { ...env, ZDOTDIR: directory, TERM: "xterm" },
    });
    assert.deepEqual(
      stdout.split("\n"),
      lines.map(([, completed]) => completed),
    );
  });

  it("fish", async function () {
    const file = await scriptFor(this, "fish");
    for (const [typed, completed] of cases) {
      const ask = `source ${file}; complete -C 'mcp-fleet ${typed}'`;
      const { stdout } = await execa("fish", ["--no-config", "-c", ask], { env });
      const words = stdout.split("\n").map((line) => line.split("\t")[0]);
      assert.deepEqual(words, completed);
    }
  });

  it("is the servers of the cluster and namespace that are named", async () => {
    const words = async (...typed: string[]): Promise<string[]> => {
      const { stdout, exitCode } = await mcpFleet(["complete", "--", ...typed], env);
      assert.equal(exitCode, 0);
      return stdout.split("\n").map((line) => line.trim());
    };
    assert.deepEqual(await words("stop", ""), ["files", "weather", ":4"]);
    assert.deepEqual(await words("stop", "-n", "other", ""), ["github", ":4"]);
    assert.deepEqual(await words("--namespace=other", "logs", "gi"), ["github", ":4"]);
    assert.deepEqual(await words("scale", "weather", ""), [":4"]);
    assert.deepEqual(await words("list", ""), [":4"]);
    assert.deepEqual(await words("stop", "--kubeconfig", "/nowhere", ""), [":4"]);
    const before = Date.now();
    assert.deepEqual(await words("-n", "slow", "stop", ""), [":4"]);
    // Less than a request to the cluster may take.
    assert.ok(Date.now() - before < 20_000);
  });
});
