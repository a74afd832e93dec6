import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Command } from "commander";

import { exampleOf } from "../../../cli/help";
import { createProgram } from "../../../cli/program";
import { mcpFleet } from "../../support/cli";

describe("mcp-fleet, the command line", () => {
  it("shows its commands and ends well", async () => {
    const { exitCode, stdout } = await mcpFleet(["--help"]);
    assert.equal(exitCode, 0);
    assert.match(stdout, /^Usage: mcp-fleet \[options\] \[command\]/);
    assert.match(stdout, /\n {2}list /);
  });

  const program = createProgram(process, new AbortController().signal);
  /** Every command with what is typed to call it, those of commands too. */
  const all = (parent = program, path = "mcp-fleet"): [called: string, command: Command][] =>
    parent.commands.flatMap((command): [string, Command][] => {
      const called = `${path} ${command.name()}`;
      return [[called, command], ...all(command, called)];
    });

  it("shows every command in its group and as a verb", async () => {
    const { stdout } = await mcpFleet(["--help"], { COLUMNS: "100" });
    const groups = ["Servers:", "Rows:", "Stack:", "Checks:", "This command line:"];
    const heads = groups.map((group) => stdout.indexOf(`\n${group}\n`));
    assert.ok(
      heads.every((at, index) => at > (heads[index - 1] ?? 0)),
      stdout,
    );
    assert.ok(all().length > 30);
    for (const [called, command] of all()) {
      assert.match(command.description(), /^[a-z]+ /, called);
      assert.doesNotMatch(command.description(), /^([a-z]+s|the|what|which|one|a) /, called);
    }
    for (const command of program.commands.filter((one) => one.name() !== "complete"))
      assert.ok(stdout.includes(`\n  ${command.name()} `), command.name());
  });

  it("shows an example in the help of every command, whose options there are", async () => {
    const global = program.options.flatMap(({ long, short }) => [long, short]);
    for (const [called, command] of all()) {
      // What a pipe leads to has options of its own.
      const examples = exampleOf(command)
        .split("\n")
        .map((line) => line.replace(/ \| .*/, ""));
      // A command that only holds others shows one of theirs.
      for (const example of examples)
        assert.ok(example.startsWith(`${called} `), `${called} has no example`);
      const own = [command, ...command.commands].flatMap(({ options }) =>
        options.flatMap(({ long, short }) => [long, short]),
      );
      const words = examples.flatMap((example) => example.split(" "));
      for (const word of words.filter((one) => /^--?\w/.test(one)))
        assert.ok([...global, ...own].includes(word), `${called} has no ${word}`);
    }
    for (const called of ["verify", "secrets import"]) {
      const { stdout } = await mcpFleet([...called.split(" "), "--help"]);
      assert.match(stdout, new RegExp(`\nExample:\n {2}mcp-fleet ${called} --stack prod`));
    }
    const { stdout } = await mcpFleet(["grants", "--help"]);
    assert.match(stdout, /\n {2}mcp-fleet grants --stack prod --service-account \w+:\S+ \|/);
  });

  it("refuses an unknown command, option or form with the code for usage", async function () {
    this.timeout(120_000); // a process each, on a busy machine
    for (const args of [
      ["lisst"],
      ["list", "--wat"],
      ["list", "-o", "xml"],
      ["tools", "lok"],
      ["tools", "approve"],
      ["tools", "diff", "--wat"],
      ["config", "check"],
      ["secrets", "import", "--wat"],
      ["image", "verify", "--wat"],
    ]) {
      const { exitCode, stdout, stderr } = await mcpFleet(args);
      assert.equal(exitCode, 2, stderr);
      assert.match(stderr, /^error: /);
      assert.equal(stdout, "");
    }
  });

  it("refuses one image for several servers before anything else is looked at", async () => {
    for (const command of ["diff", "approve"]) {
      const { exitCode, stderr } = await mcpFleet(["tools", command, "a", "b", "--image", "x"]);
      assert.equal(exitCode, 2, stderr);
      assert.match(stderr, /^--image is the image of one server\.\n/);
    }
  });

  it("takes a service account by the names that Kubernetes has, and shows the start of any other", async () => {
    const long = `deploy:${"x".repeat(254)}`;
    for (const account of ["deploy", "Deploy:x", "deploy:-x", `${"n".repeat(64)}:x`, long]) {
      const { exitCode, stderr } = await mcpFleet(["grants", "--service-account", account]);
      assert.equal(exitCode, 2, stderr);
      assert.match(stderr, /--service-account is "/);
      assert.ok(stderr.length < 400, stderr);
    }
  });

  it("looks at files only, and a forged line in a key stays in its own", async () => {
    const device = await mcpFleet(["config", "check", "/dev/zero"]);
    assert.equal(device.exitCode, 2);
    assert.match(device.stderr, /^\/dev\/zero cannot be read: it has more than 4194304 bytes/);
    const file = join(mkdtempSync(join(tmpdir(), "config-check-")), "Pulumi.x.yaml");
    writeFileSync(file, 'config: { "mcp-fleet:x\\n\\e[2JPulumi.x.yaml": 1 }\n');
    const { stdout, exitCode } = await mcpFleet(["config", "check", file]);
    assert.notEqual(exitCode, 0);
    assert.match(stdout, /^\[\["x +\[2JPulumi\.x\.yaml"\]\] is not a known key\./m);
  });

  it("names its own options when the kubeconfig is missing, broken or lacks the context", async () => {
    const directory = mkdtempSync(join(tmpdir(), "mcp-fleet-cli-"));
    const broken = join(directory, "broken");
    writeFileSync(broken, "token: s3cret\n  x: [");
    const empty = join(directory, "empty");
    writeFileSync(empty, "apiVersion: v1\nkind: Config\n");
    const cases: [string[], RegExp][] = [
      [["--kubeconfig", join(directory, "none")], /cannot be read: ENOENT[^]*Set --kubeconfig/],
      [["--kubeconfig", broken], /^The kubeconfig is not valid YAML or JSON\.\nCheck --kubeconfig/],
      [["--kubeconfig", empty, "--context", "prod"], /no context "prod"[^]*Set --context/],
    ];
    for (const [args, said] of cases) {
      const { exitCode, stdout, stderr } = await mcpFleet(["list", ...args]);
      assert.match(stderr, said);
      assert.ok(!stderr.includes("s3cret"));
      assert.equal(stdout, "");
      assert.equal(exitCode, 1);
    }
  });
});
