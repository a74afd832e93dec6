import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { execa } from "execa";
import { parse } from "yaml";

const root = join(__dirname, "..", "..", "..");
const directory = join(root, ".github", "workflows");
const files = readdirSync(directory).map((name) => join(directory, name));

interface Workflow {
  readonly permissions?: Record<string, string>;
  readonly jobs: Record<string, { readonly permissions?: Record<string, string> }>;
}

describe("the workflows", () => {
  it("use actions by commit, with the release beside it", () => {
    const uses = files.flatMap((file) => readFileSync(file, "utf8").match(/uses: .*/g) ?? []);
    assert.ok(uses.length > 20, `only ${uses.length} steps were looked at`);
    const pinned = /^uses: (\.\/[\w./-]+|[\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$/;
    assert.deepEqual(
      uses.filter((use) => !pinned.test(use)),
      [],
    );
  });

  it("may only read where a job does not say more, and hold no long-lived key", () => {
    for (const file of files) {
      const text = readFileSync(file, "utf8");
      const workflow = parse(text) as Workflow;
      assert.deepEqual(workflow.permissions, { contents: "read" }, file);
      for (const [name, job] of Object.entries(workflow.jobs)) {
        assert.equal(job.permissions?.contents ?? "read", "read", `${file} ${name}`);
      }
      assert.doesNotMatch(text, /secrets\.|pull_request_target/, file);
    }
  });

  it("pass actionlint", async function () {
    this.timeout(60_000);
    const { exitCode, stdout, code } = await execa("actionlint", ["-no-color", ...files], {
      cwd: root,
      reject: false,
    });
    if (code === "ENOENT") {
      process.stdout.write("  actionlint skipped: it is not on PATH\n");
      this.skip();
    }
    assert.equal(exitCode, 0, stdout);
  });
});
