import assert from "node:assert/strict";

import { failure, lockedStack } from "@mcp-fleet/engine/dist/failure";

const preview = ["preview", "--json", "--show-secrets"];
const diagnostic = (severity: string, message: string): object => ({ severity, message });
const json = (...diagnostics: object[]): string => JSON.stringify({ steps: [], diagnostics });

describe("why a command of the CLI failed", () => {
  it("is the errors of a preview, and neither the warnings before them nor the engine's own last word", () => {
    const said = failure(preview, {
      stdout: json(
        diagnostic("warning", "warning: What happens to the rows is not known.\n"),
        diagnostic(
          "error",
          "error: [servers.x.port] is missing.\nSet it with: pulumi config set\n",
        ),
        diagnostic("error", "error: preview failed"),
      ),
      stderr: "warning: A new version of Pulumi is available.\n",
    });
    assert.equal(said.problem, "`pulumi preview` failed: [servers.x.port] is missing.");
    assert.equal(said.fix, "Set it with: pulumi config set");
  });

  it("is all of several errors, each once", () => {
    const said = failure(preview, {
      stdout: json(
        diagnostic("error", "error: one\nits fix"),
        diagnostic("error", "error: two"),
        diagnostic("error", "error: two"),
      ),
      stderr: "",
    });
    assert.equal(said.problem, "`pulumi preview` failed: \n- one\n  its fix\n- two");
  });

  it("is a list of things with their fixes as it was written", () => {
    const list = "2 things are wrong:\n  [a] is missing.\n    Set a.\nMend all of them.";
    const said = failure(preview, { stdout: json(diagnostic("error", list)), stderr: "" });
    assert.equal(
      said.problem,
      "`pulumi preview` failed: 2 things are wrong:\n  [a] is missing.\n    Set a.",
    );
    assert.equal(said.fix, "Mend all of them.");
  });

  it("is what standard error says where there is no preview, without the warnings before it", () => {
    const said = failure(["stack", "history", "--json"], {
      stdout: "",
      stderr: "warning: old version\nerror: no stack named 'x' found\n",
    });
    assert.equal(said.problem, "`pulumi stack history` failed: no stack named 'x' found");
    assert.match(said.fix, /Run it by hand/);
  });
});

describe("a stack that another run holds", () => {
  const line = (host: string, { user = "u", pid = "7" } = {}): string =>
    `\n  file:///s/.pulumi/locks/x.json: created by ${user}@${host} (pid ${pid}) at 2026-11-29T10:00:00Z`;
  const locked = (count: number, ...lines: string[]): string =>
    `error: the stack is currently locked by ${count} lock(s). Either wait for the other process(es) to end or delete the lock file with \`pulumi cancel\`.${lines.join("")}`;
  const hosts = (stderr: string): readonly string[] | undefined => lockedStack(stderr)?.hosts;

  it("names the hosts of all its locks, each once", () => {
    const warned = `warning: A new version is available.\n${locked(3, line("a"), line("b"), line("a"))}\n`;
    assert.deepEqual(hosts(warned), ["a", "b"]);
    assert.deepEqual(hosts(locked(1, line("a", { user: "ACME\\Ann Other" }))), ["a"]);
    const coloured = locked(1, line("a")).replace("error: ", "\u001b[38;5;9merror: \u001b[0m");
    assert.deepEqual(hosts(coloured), ["a"]);
  });

  it("names none where one of its locks was not understood", () => {
    assert.deepEqual(hosts(locked(2, line("a"), line("an odd host"))), []);
    assert.deepEqual(hosts(locked(2, line("a"), line("b", { pid: "x" }))), []);
    assert.deepEqual(hosts(locked(2, line("a"))), []);
    assert.deepEqual(hosts(locked(1, line("a"), line("b"))), []);
    assert.deepEqual(hosts(locked(2, line("a"), line(""), line("a"))), []);
    assert.deepEqual(
      hosts("error: [409] Conflict: Another update is currently in progress.\n"),
      [],
    );
  });

  it("is what the CLI says, and not what quotes it", () => {
    assert.equal(hosts(`error: server x: "${locked(1, line("a")).slice(7)}"`), undefined);
    assert.equal(hosts("error: no stack named 'x' found"), undefined);
  });
});
