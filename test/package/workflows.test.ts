import { readdirSync } from "node:fs";
import { join } from "node:path";

import { onPath, run } from "../../lab/exec";
import { ensureBuilt, type GoBuild } from "../../lab/go-modules";
import { consoleLog } from "../../lab/log";
import { root } from "../support/stack-file";

const build: GoBuild = {
  name: "actionlint",
  what: "actionlint",
  minutes: 1,
  scratchGiB: 1,
  sources: [],
  packages: ["github.com/rhysd/actionlint/cmd/actionlint"],
  output: "actionlint",
  flags: ["-ldflags=-s -w"],
};

describe("the workflows", function () {
  this.timeout(5 * 60_000);

  it("pass actionlint", async () => {
    const command = (await onPath("actionlint"))
      ? "actionlint"
      : join(await ensureBuilt(build, consoleLog()), "actionlint");
    const directory = join(root, ".github", "workflows");
    const files = readdirSync(directory).map((name) => join(directory, name));
    // What it finds is in the error's message.
    await run(command, ["-no-color", ...files], { cwd: root });
  });
});
