import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

import type { CutoverInputs } from "@mcp-fleet/cutover-runner";
import { quoted } from "@mcp-fleet/errors";
import type { Stack } from "@pulumi/pulumi/automation";

import { paths } from "../../lab/paths";
import {
  type Snapshot,
  type StudioDatabase,
  studioDatabase,
} from "../database/row-cutover/support";
import { testEngine } from "../support/engine";
import { ScratchBackend } from "../support/scratch-backend";
import { fixtureDirectory, fixtureInputs, stubServer } from "../support/state-fixture";
import { Reader } from "../support/walk";
import { closeServers } from "../unit/mcp-probe/servers";

/** A repository with the fixtures' program in two commits, in a project below its top directory. */
describe("the steps that mcp-fleet rollback prints where another program ran (issue 17, item 2)", function () {
  this.timeout(10 * 60_000);
  let backend: ScratchBackend;
  let database: StudioDatabase;
  let automation: Stack;
  let reader: Reader;
  let project: string;
  let legacy: Snapshot;
  let url: string;

  const git = (...args: string[]): string =>
    execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.com", ...args], {
      cwd: project,
      encoding: "utf8",
    });
  /** Changes besides the stack file, which the steps restore with the earlier configuration. */
  const changes = (): string => git("status", "--porcelain", "--", ".", ":!Pulumi.*.yaml").trim();
  const program = join(fixtureDirectory, "program", "index.js");
  /** The program of a release, which prints its name. */
  const write = (release: string): void => {
    const text = readFileSync(program, "utf8")
      .replace(
        "../../../../dist/components/cutover",
        join(paths.projectDir, "dist/components/cutover"),
      )
      .concat(`\nexports.release = ${JSON.stringify(release)};\n`);
    writeFileSync(join(project, "index.js"), text);
  };
  const commit = (release: string): void => {
    write(release);
    git("add", "--all");
    git("commit", "--message", release);
  };
  const update = async (target: CutoverInputs["target"]): Promise<number> => {
    await automation.setAllConfig({
      inputs: { value: JSON.stringify(fixtureInputs(target, url)) },
      "mcp-fleet:databaseUrl": { value: database.db.connectionString, secret: true },
    });
    await automation.up();
    // A file backend does not number updates: the command line counts them.
    return (await automation.history()).length;
  };
  const release = async (): Promise<unknown> => (await automation.outputs()).release?.value;
  const target = async (): Promise<unknown> =>
    (JSON.parse((await automation.getConfig("inputs")).value) as CutoverInputs).target;

  before(async () => {
    ({ url } = await stubServer());
    database = await studioDatabase({ schema: "jsonb" });
    legacy = await database.snapshot();
    backend = new ScratchBackend(await testEngine());
    const top = join(backend.directory, "repository");
    project = join(top, "deploy");
    mkdirSync(project, { recursive: true });
    const modules = join(paths.projectDir, "node_modules");
    const json = (file: string, content: object): void =>
      writeFileSync(join(project, file), JSON.stringify(content));
    // JSON is valid YAML.
    json("Pulumi.yaml", {
      name: "state-fixture",
      runtime: { name: "nodejs", options: { typescript: false } },
    });
    const own = { name: "state-fixture", version: "0.0.0" };
    // The packages are the checkout's: no registry is used.
    const build = `rm -rf node_modules && ln -s ${quoted(modules)} node_modules`;
    json("package.json", { ...own, private: true, main: "index.js", scripts: { build } });
    json("package-lock.json", {
      ...own,
      ...{ lockfileVersion: 3, requires: true, packages: { "": own } },
    });
    writeFileSync(join(project, ".gitignore"), "node_modules\n");
    symlinkSync(modules, join(project, "node_modules"));
    execFileSync("git", ["init", "--quiet", top]);
    const bin = join(backend.directory, "bin");
    mkdirSync(bin);
    symlinkSync(join(paths.projectDir, "bin", "mcp-fleet.cjs"), join(bin, "mcp-fleet"));
    const path = [bin, dirname(process.execPath), backend.env.PATH ?? process.env.PATH];
    reader = new Reader(project, {
      ...{ HOME: backend.directory, KUBECONFIG: "", ...backend.env },
      PATH: path.join(delimiter),
    });
  });
  after(async () => {
    await closeServers();
    await database?.drop();
    reader?.close();
    backend?.remove();
  });

  /** The commands that `mcp-fleet rollback` prints after it has refused. */
  async function steps(to: number, why: RegExp): Promise<string[]> {
    // The previous steps may have led to another state.
    const command = `cd ${quoted(project)}\nmcp-fleet rollback --stack fixture --to ${to} --yes`;
    const { exitCode, output } = await reader.type(command);
    assert.equal(exitCode, 1, output);
    assert.match(output, why);
    const [, printed = ""] = /\nRun these, or add --keep-program .*:\n([^]*)$/.exec(output) ?? [];
    const lines = printed.trimEnd().split("\n");
    assert.ok(lines.length > 3 && lines.every((line) => /^ {2}\S/.test(line)), output);
    return lines.map((line) => line.trim());
  }

  /** Types them one by one and answers yes, as a person at a terminal would. */
  async function follow(lines: readonly string[]): Promise<void> {
    for (const line of lines) {
      const asks = line.startsWith("mcp-fleet ");
      const typed = asks ? `printf 'yes\\n' | script -qefc ${quoted(line)} /dev/null` : line;
      const { exitCode, output } = await reader.type(typed);
      assert.equal(exitCode, 0, `${line}\n${output}`);
      if (asks) assert.match(output, /Returned to update \d+: /);
    }
  }

  it("lead back from another commit: program, configuration and rows are those of then", async () => {
    commit("one");
    automation = await backend.stackOf(project, "fixture");
    const first = await update("embedded");
    commit("two");
    await update("in-cluster");
    assert.equal(await release(), "two");
    assert.notDeepEqual(await database.snapshot(), legacy);
    const before = changes();
    const head = git("rev-parse", "HEAD");

    await follow(
      await steps(
        first,
        /The program of update \d+ was [0-9a-f]{10}, and here is [0-9a-f]{10}; nothing was changed/,
      ),
    );

    assert.deepEqual(await database.snapshot(), legacy);
    assert.deepEqual([await release(), await target()], ["one", "embedded"]);
    assert.deepEqual([changes(), git("rev-parse", "HEAD")], [before, head]);
  });

  it("lead back where files here were changed, and leave those changes alone", async () => {
    const last = await update("in-cluster");
    const moved = documents(await database.snapshot());
    await update("embedded");
    write("not committed");
    const changed = readFileSync(join(project, "index.js"), "utf8");

    await follow(
      await steps(last, /and here deploy\/index\.js was changed since; nothing was changed/),
    );

    assert.deepEqual(documents(await database.snapshot()), moved);
    assert.deepEqual([await release(), await target()], ["two", "in-cluster"]);
    assert.equal(readFileSync(join(project, "index.js"), "utf8"), changed);
    assert.equal(changes(), "M deploy/index.js");
  });
});

function documents({ rows }: Snapshot): (string | null | undefined)[] {
  return rows.map((row) => row.config_json);
}
