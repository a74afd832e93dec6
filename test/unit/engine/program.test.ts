import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { programAt, projectInRepository } from "@mcp-fleet/engine/dist/program";
import { execaSync } from "execa";

describe("the program that git knows", () => {
  let top: string;
  let project: string;
  const git = (...args: string[]): string =>
    execaSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.com", ...args], { cwd: top })
      .stdout;
  const write = (name: string, text: string): void => writeFileSync(join(project, name), text);

  before(() => {
    top = mkdtempSync(join(tmpdir(), "mcp-fleet-program-"));
    project = join(top, "infra");
    mkdirSync(project);
    git("init", "--quiet");
    for (const name of ["index.ts", "Pulumi.yaml", "Pulumi.dev.yaml"]) write(name, "one");
    writeFileSync(join(top, "application.txt"), "one");
    git("add", ".");
    git("commit", "--quiet", "-m", "one");
  });
  after(() => rmSync(top, { recursive: true, force: true }));

  it("is the commit, whatever happened to stack files and beside the project", async () => {
    write("Pulumi.dev.yaml", "two");
    write("Pulumi.new.yaml", "new");
    write("notes with spaces.txt", "new");
    writeFileSync(join(top, "application.txt"), "two");
    assert.deepEqual(await programAt(project), { commit: git("rev-parse", "HEAD"), changed: [] });
    assert.equal(await projectInRepository(project), "infra/");
    assert.equal(await projectInRepository(top), "");
  });

  it("names what of it was changed, the project file too", async () => {
    write("index.ts", "two");
    write("Pulumi.yaml", "two");
    git("add", "infra/index.ts");
    const { changed } = await programAt(project);
    assert.deepEqual(changed, ["infra/Pulumi.yaml", "infra/index.ts"]);
  });

  it("is not known outside a repository", async () => {
    const outside = mkdtempSync(join(tmpdir(), "mcp-fleet-outside-"));
    assert.deepEqual(await programAt(outside), { changed: [] });
    rmSync(outside, { recursive: true });
  });
});
