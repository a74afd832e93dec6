import assert from "node:assert/strict";
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { readClientFile, writeClientFile } from "@mcp-fleet/client-config";

describe("a client's file on disk (issue 16, item 9)", () => {
  let scratch: string;
  const at = (name: string): string => join(scratch, name);
  const mode = (name: string): number => statSync(at(name)).mode & 0o777;
  beforeEach(() => {
    scratch = mkdtempSync(join(tmpdir(), "mcp-fleet-client-"));
  });
  afterEach(() => rmSync(scratch, { recursive: true, force: true }));

  it("is for its owner alone when it is new, and keeps the mode that it has", () => {
    assert.equal(readClientFile(at("new")), "");
    writeClientFile(at("new"), "new");
    assert.equal(mode("new"), 0o600);
    for (const wanted of [0o600, 0o640, 0o664]) {
      chmodSync(at("new"), wanted);
      writeClientFile(at("new"), "again");
      assert.equal(mode("new"), wanted);
    }
    assert.equal(readClientFile(at("new")), "again");
    assert.deepEqual(readdirSync(scratch), ["new"]);
  });

  it("is written behind a link, which stays one", () => {
    mkdirSync(at("dotfiles"));
    writeFileSync(at("dotfiles/mcp.json"), "{}");
    symlinkSync("dotfiles/mcp.json", at("link"));
    writeClientFile(at("link"), "new");
    assert.equal(readlinkSync(at("link")), "dotfiles/mcp.json");
    assert.equal(readFileSync(at("dotfiles/mcp.json"), "utf8"), "new");
  });

  it("is refused where it is a link to nothing, a directory or a device", () => {
    symlinkSync("nowhere", at("dangling"));
    for (const path of [at("dangling"), scratch, "/dev/null"]) {
      assert.throws(() => readClientFile(path), /nothing was written/, path);
      assert.throws(() => writeClientFile(path, "x"), /nothing was written/, path);
    }
    assert.ok(lstatSync(at("dangling")).isSymbolicLink());
    assert.deepEqual(readdirSync(scratch), ["dangling"]);
  });

  it("is not written through a file that somebody put in the way", () => {
    writeFileSync(at("theirs"), "theirs");
    // The former name of the temporary file: the target's name and the process id.
    linkSync(at("theirs"), at(`mcp.json.${process.pid}`));
    writeClientFile(at("mcp.json"), "ours");
    assert.equal(readFileSync(at("theirs"), "utf8"), "theirs");
    assert.equal(readFileSync(at("mcp.json"), "utf8"), "ours");
  });
});
