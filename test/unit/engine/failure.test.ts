import assert from "node:assert/strict";

import { failure } from "@mcp-fleet/engine/dist/failure";

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
