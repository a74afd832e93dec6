import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { execa } from "execa";

import { onPath } from "../../../lab/exec";
import { mcpFleet } from "../../support/cli";

/** The text after `mcp-fleet`, and its completions. */
const cases: readonly [typed: string, completed: readonly string[]][] = [
  ["statu", ["status"]],
  ["-n prod stop x --fo", ["--force"]],
];

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
  this.timeout(30_000);
  let directory: string;
  before(() => (directory = mkdtempSync(join(tmpdir(), "mcp-fleet-completion-"))));
  after(() => rmSync(directory, { recursive: true, force: true }));

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

  it("bash", async function () {
    const file = await scriptFor(this, "bash");
    for (const [typed, completed] of cases) {
      const words = ["mcp-fleet", ...typed.split(" ")];
      const ask = `COMP_WORDS=(${words.join(" ")}); COMP_CWORD=${words.length - 1}; _mcp_fleet`;
      const { stdout } = await execa("bash", [
        "-c",
        `source ${file}; ${ask}; echo "\${COMPREPLY[@]}"`,
      ]);
      assert.deepEqual(stdout.split(" "), completed);
    }
  });

  it("zsh", async function () {
    const file = await scriptFor(this, "zsh");
    const settings = ["PS1=''", "autoload -Uz compinit", "compinit -u -D", `source ${file}`];
    writeFileSync(join(directory, ".zshrc"), [...settings, "print READY\n"].join("\n"));
    const lines = cases.map(([typed, [last = ""]]) => [typed, typed.replace(/\S+$/, last)]);
    const { stdout } = await execa("zsh", ["-f", "-c", zshDriver, "zsh", ...lines.flat()], {
      ...{ timeout: 20_000, stdin: "ignore" },
      env: { ZDOTDIR: directory, TERM: "xterm" },
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
      const { stdout } = await execa("fish", ["--no-config", "-c", ask], {
        env: { HOME: directory },
      });
      const words = stdout.split("\n").map((line) => line.split("\t")[0]);
      assert.deepEqual(words, completed);
    }
  });
});
