import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { execa } from "execa";
import { parse } from "yaml";

import { mcpFleet } from "../support/cli";

const root = join(__dirname, "..", "..", "..");
const directory = join(root, ".github", "workflows");
const files = readdirSync(directory).map((name) => join(directory, name));
const scripts = join(root, ".github", "scripts");
const scriptFiles = readdirSync(scripts).map((name) => join(scripts, name));

interface Workflow {
  readonly permissions?: Record<string, string>;
  readonly jobs: Record<string, Job>;
}

interface Job {
  readonly permissions?: Record<string, string>;
  readonly steps?: readonly Step[];
  readonly strategy?: { readonly matrix: { readonly image?: readonly string[] } };
}

interface Step {
  readonly run?: string;
  readonly if?: string;
  readonly with?: { readonly name?: string; readonly path?: string };
}

function workflow(name: string): Workflow {
  return parse(readFileSync(join(directory, `${name}.yml`), "utf8")) as Workflow;
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

  it("give a branch's code no credentials before a reviewer of its environment has read it (issue 16, item 13)", () => {
    const docs = readFileSync(join(root, "docs", "workflows.md"), "utf8");
    let looked = 0;
    for (const file of files) {
      const text = readFileSync(file, "utf8");
      const { on, jobs } = parse(text) as Workflow & { on: object | string };
      if (!Object.keys(typeof on === "string" ? { [on]: 1 } : on).includes("pull_request"))
        continue;
      for (const [name, job] of Object.entries(jobs)) {
        const { environment, needs } = job as { environment?: string; needs?: string };
        const identity = job.permissions?.["id-token"] === "write";
        if (!identity && environment === undefined) continue;
        looked += 1;
        assert.match(environment ?? "", /^pull-request-/, `${file} ${name}`);
        assert.equal(needs, "reviewers", `${file} ${name}`);
      }
    }
    assert.equal(looked, 1);
    assert.match(docs, /`pull-request-dev`, `pull-request-prod` +\| required/);
    assert.doesNotMatch(docs, /read-only role|READ ONLY all the same/);
    // Plans from main have their own environments, which no branch may use.
    const { jobs } = workflow("update-stack");
    assert.equal(
      (jobs.plan as { environment?: string }).environment,
      "preview-${{ inputs.stack }}",
    );
  });

  it("fail a preview whose environment has no reviewers (issue 16, item 13)", async () => {
    const { run = "" } = workflow("preview").jobs.reviewers?.steps?.at(-1) ?? {};
    const answers = async (rules: string): Promise<number | undefined> => {
      const gh = `gh() { echo '${rules}'; }; export -f gh`;
      const env = { ENVIRONMENTS: "repos/o/r/environments", GH_TOKEN: "x" };
      const ended = await execa("bash", ["-e", "-c", `${gh}\n${run}`], {
        ...{ cwd: root, env, reject: false },
      });
      return ended.exitCode;
    };
    assert.equal(await answers('["branch_policy","required_reviewers"]'), 0);
    assert.equal(await answers('["branch_policy"]'), 1);
    assert.equal(await answers("[]"), 1);
    const none = `gh() { return 1; }; export -f gh\n${run}`;
    const missing = await execa("bash", ["-e", "-c", none], { cwd: root, reject: false });
    assert.notEqual(missing.exitCode, 0);
  });

  it("call mcp-fleet with commands and options that it has", async function () {
    this.timeout(60_000);
    const texts = scriptFiles.map((file) => readFileSync(file, "utf8"));
    const called = texts.flatMap((text) => text.match(/npx --no-install mcp-fleet .*/g) ?? []);
    const commands = called.map((line) => line.split(" ")[3] ?? "");
    assert.deepEqual([...commands].sort(), ["promote", "report", "rollback"]);
    const more = texts.flatMap((text) => text.match(/options\+?=\(.*?\)/g) ?? []);
    for (const [index, command] of commands.entries()) {
      const { exitCode, stdout } = await mcpFleet([command, "--help"]);
      assert.equal(exitCode, 0, command);
      const [, line = ""] = (called[index] ?? "").split("--no-install");
      const own = [line, ...(command === "rollback" ? more : [])].join(" ");
      const options = own.match(/ ?--[a-z-]+/g) ?? [];
      for (const option of options) assert.match(stdout, new RegExp(`${option.trim()}\\b`), own);
    }
  });

  it("keep the report that mcp-fleet writes", () => {
    const { jobs } = workflow("update-stack");
    const steps = jobs.update?.steps ?? [];
    const script = readFileSync(join(scripts, "report.sh"), "utf8");
    const written = steps.flatMap(({ run = "" }) =>
      run.endsWith("/report.sh") ? (/report .*--file (\S+)/.exec(script)?.[1] ?? []) : [],
    );
    const kept = steps.find(({ with: to }) => to?.name?.startsWith("report-") === true);
    assert.deepEqual([kept?.with?.path], written);
    assert.equal(kept?.if, "always()");
  });

  it("have no step of their own: each is a script of the project, npm or make", () => {
    const runs = files.flatMap((file) => {
      const { jobs } = parse(readFileSync(file, "utf8")) as Workflow;
      return Object.values(jobs).flatMap(({ steps = [] }) =>
        steps.flatMap(({ run }) => (run === undefined ? [] : [run])),
      );
    });
    const own = runs.filter((run) => !/^(npm (ci|run [\w:-]+)|make [\w-]+)$/.test(run));
    const missing = own.filter((run) => !scriptFiles.includes(join(root, run)));
    assert.deepEqual(missing, []);
    assert.deepEqual(new Set(own.map((run) => join(root, run))), new Set(scriptFiles));
  });

  it("build every image there is a Dockerfile for", () => {
    const matrix = workflow("images").jobs.image?.strategy?.matrix.image ?? [];
    const made = readdirSync(join(root, "images")).filter((name) =>
      existsSync(join(root, "images", name, "Dockerfile")),
    );
    assert.deepEqual([...matrix].sort(), made.sort());
  });
});
