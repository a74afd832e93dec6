import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { join } from "node:path";

import { consoleLog } from "../../lab/log";
import { type Lab, openLab } from "../../lab/session";
import { queryAt } from "../support/postgres";
import { secretCommands, type Surroundings, surroundings } from "../support/reader";
import { WorkflowRunner } from "../support/workflow";

/** The only organisation without Pulumi Cloud. */
const organization = "organization";

const commit = "git -c user.name=reader -c user.email=reader@example.com commit --quiet --all -m";

/** Answers for `gh api`: environments with reviewers, and no comment yet. Records the requests. */
const gh = `#!/usr/bin/env bash
echo "$*" >>"$HOME/gh.log"
case "$*" in *environments*) echo '["branch_policy","required_reviewers"]' ;; esac
`;

/**
 * `.github/workflows`, run as far as they can be away from their host: see test/support/workflow.ts. images.yml is not here:
 * its builds are the lab's own, and its signature wants the host's identity. ci.yml is `npm run check` and `make test`.
 */
describe("the workflows, run on two stacks of the lab", function () {
  this.timeout(20 * 60_000);
  let lab: Lab;
  let dev: Surroundings;
  let prod: Surroundings;
  let runner: WorkflowRunner;

  before(async function () {
    this.timeout(60 * 60_000);
    lab = await openLab({}, consoleLog());
    dev = await surroundings(lab, "flowdev");
    prod = await surroundings(lab, "flowprod");
    await makeStack(dev, "dev");
    await makeStack(prod, "prod");
    await dev.type(`${commit} 'two stacks'`);
    await dev.type(
      `cat >"$NPM_CONFIG_PREFIX/bin/gh" <<'GH'\n${gh}GH\nchmod +x "$NPM_CONFIG_PREFIX/bin/gh"`,
    );
    runner = new WorkflowRunner(dev.reader, {
      vars: { PULUMI_ORGANIZATION: organization },
      github: {
        ...{ repository: "acme/platform", actor: "octocat", workflow: "promote", run_id: "42" },
        event: {
          pull_request: {
            ...{ number: "7", head: { repo: { full_name: "acme/platform" } } },
            base: { sha: "HEAD~1" },
          },
        },
      },
    });
  });
  after(async () => {
    runner?.close();
    await dev?.remove();
    await prod?.remove();
  });

  /** The setup of a team: the stack with its file and its secrets, in one checkout. */
  async function makeStack(place: Surroundings, name: string): Promise<void> {
    const file = `Pulumi.${name}.yaml`;
    place.rewrite(file, () => ({}));
    place.edit(file);
    place.rewrite(file, (config) => ({ ...config, "mcp-fleet:target": "in-cluster" }));
    if (place !== dev) cpSync(join(place.reader.directory, file), join(dev.reader.directory, file));
    await dev.type(`mkdir -p "$NPM_CONFIG_PREFIX/bin"
pulumi stack init ${organization}/${name}
pulumi config set --secret databaseUrl '${place.databaseUrl}?sslmode=disable'
pulumi config set --secret --path studioSecrets.DATABASE_URL '${place.studioDatabaseUrl}'
${secretCommands()}`);
  }

  const transports = async (place: Surroundings): Promise<Set<unknown>> => {
    const rows = await queryAt<{ transport: string }>(
      place.adminUrl,
      "select config_json::jsonb ->> 'transport' as transport from mcp_servers where server_key in ('github', 'chroma')",
    );
    return new Set(rows.map(({ transport }) => transport));
  };

  it("preview: a comment for each stack with what its rows become, and one with the golden diff", async () => {
    const { failed, jobs, comments, environments, summary } = await runner.run("preview");
    assert.equal(failed, undefined, failed?.output);
    assert.deepEqual(jobs, [
      ...["preview/golden", "preview/reviewers", "preview/stack dev", "preview/stack prod"],
    ]);
    assert.deepEqual(environments, ["pull-request-dev", "pull-request-prod"]);
    assert.equal(comments.length, 2);
    for (const [index, place] of [dev, prod].entries()) {
      assert.match(comments[index] ?? "", /rewrite github: /);
      assert.ok(comments[index]?.includes(place.namespace));
    }
    assert.match(summary, /Declared resources \(test\/golden\)\nNone changes/);
    const { output } = await dev.reader.type('cat "$HOME/gh.log"');
    assert.match(output, /issues\/7\/comments -F body=@golden.md/);
    assert.deepEqual(await transports(dev), new Set([null]));
  });

  it("promote: dev, then prod by the plan that was previewed, with a report of each", async () => {
    // prod is already deployed, with the servers in the application's image.
    const target = `pulumi config --stack ${organization}/prod set target`;
    await dev.type(`${target} embedded && pulumi up --stack ${organization}/prod`);
    await dev.type(`${target} in-cluster`);
    const { failed, jobs, artefacts, environments, summary } = await runner.run("promote", {
      through: "prod",
    });
    assert.equal(failed, undefined, failed?.output);
    assert.deepEqual(jobs, [
      ...["promote/dev", "update-stack/plan", "update-stack/update", "promote/proved"],
      ...["promote/prod", "update-stack/plan", "update-stack/update"],
    ]);
    assert.deepEqual(environments, ["preview-dev", "dev", "dev", "preview-prod", "prod"]);
    assert.deepEqual(artefacts, ["plan-dev", "report-dev", "plan-prod", "report-prod"]);
    assert.match(summary, /dev/);
    for (const place of [dev, prod])
      assert.deepEqual(await transports(place), new Set(["streamable-http"]));
    const { output } = await dev.reader.type(
      `npx --no-install mcp-fleet history --stack ${organization}/prod -o json`,
    );
    assert.match(output, /promote 42/);
  });

  it("promote: stops before prod where a server of dev does not answer", async () => {
    const scale = (replicas: number): Promise<void> =>
      dev.type(
        `npx --no-install mcp-fleet scale llmctl-mcp-github ${replicas} --wait -n ${dev.namespace} --context ${lab.cluster.context}`,
      );
    await scale(0);
    const { failed, jobs } = await runner.run("promote", { through: "prod" });
    assert.equal(failed?.job, "promote/proved");
    assert.match(failed.output, /drift --stack organization\/dev/);
    assert.ok(!jobs.includes("promote/prod"));
    await scale(1);
  });

  it("rollback: the rows of prod, with the reason in its history; dev stays", async () => {
    const { failed, environments, summary } = await runner.run("rollback", {
      ...{ stack: "prod", reason: "agents see no tools", to: "" },
      ...{ "on-conflict": "as that update was set to", "keep-program": "false" },
    });
    assert.equal(failed, undefined, failed?.output);
    assert.deepEqual(environments, ["prod"]);
    assert.match(summary, /Pulumi\.prod\.yaml/);
    assert.deepEqual(await transports(prod), new Set([null]));
    assert.deepEqual(await transports(dev), new Set(["streamable-http"]));
    const { output } = await dev.reader.type(
      `npx --no-install mcp-fleet history --stack ${organization}/prod -o json`,
    );
    assert.match(output, /rollback by octocat - agents see no tools/);
  });
});
