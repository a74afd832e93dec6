import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { readTextFile } from "@mcp-fleet/errors";

describe("a file that somebody names", () => {
  const directory = mkdtempSync(join(tmpdir(), "mcp-read-"));
  const pipe = join(directory, "pipe");
  before(() => execFileSync("mkfifo", [pipe]));
  after(() => rmSync(directory, { recursive: true }));

  it("is read from a pipe, however late and slowly its parts come", async () => {
    const writer = spawn("sh", ["-c", `sleep 0.2; { printf a; sleep 0.3; printf b; } > ${pipe}`]);
    assert.equal(readTextFile(pipe, 10, 12_000), "ab");
    await new Promise((resolve) => writer.once("close", resolve));
  });

  it("is not waited for where nobody writes, or nothing comes: Ctrl-C would not be heard", async () => {
    assert.equal(readTextFile(pipe, 10, 600), "");
    const silent = spawn("sh", ["-c", `exec 3<>${pipe}; echo ready; sleep 20`]);
    await new Promise((resolve) => silent.stdout.once("data", resolve));
    assert.throws(
      () => readTextFile(pipe, 10, 1000),
      /^Error: nothing came out of it for 1 seconds$/,
    );
    silent.kill();
  });

  it("has an end", () => {
    assert.throws(() => readTextFile("/dev/zero", 1000), /it has more than 1000 bytes/);
    assert.throws(() => readTextFile(directory), /EISDIR/);
    assert.equal(readTextFile("/dev/null"), "");
  });
});
