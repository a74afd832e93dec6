import assert from "node:assert/strict";

import { isUserError } from "@mcp-fleet/errors";

import { optionOf, type Process, refusePartialRun } from "../../../stacks/partial-run";

type Config = Parameters<typeof refusePartialRun>[0];

const withCutover = { settings: { cutover: { enabled: true } }, secrets: { databaseUrl: {} } };

/** The program below the language host below the CLI, as in a real run. */
function under(command: readonly string[]): (id: number) => Process | undefined {
  const processes = new Map<number, Process>([
    [process.ppid, { parent: 11, command: ["/opt/pulumi/pulumi-language-nodejs", "-target"] }],
    [11, { parent: 1, command }],
  ]);
  return (id) => processes.get(id);
}

function problem(command: readonly string[], environment: NodeJS.ProcessEnv = {}): string {
  try {
    refusePartialRun(withCutover as unknown as Config, under(command), environment);
    return "";
  } catch (error) {
    assert.ok(isUserError(error));
    return error.problem;
  }
}

describe("a partial run", () => {
  it("is told by the options of the CLI above", () => {
    for (const option of [
      "--target",
      "-t",
      "--target-replace",
      "--exclude",
      "--continue-on-error",
    ]) {
      assert.equal(optionOf(["pulumi", "up", option, "urn"]), option);
      assert.equal(optionOf(["pulumi", "up", `${option}=urn`]), option);
    }
    const whole = ["pulumi", "up", "--yes", "-s", "prod", "--continue-on-error=false", "-m", "t"];
    assert.equal(optionOf(whole), undefined);
  });

  it("is refused, and a whole one is not (S24)", () => {
    assert.match(problem(["/usr/bin/pulumi", "up", "--target", "urn"]), /^--target is not for /);
    assert.equal(problem(["/usr/bin/pulumi", "up", "--yes"]), "");
    assert.equal(problem(["/usr/bin/other", "up", "--target", "urn"]), "");
  });

  it("is refused when the environment asks for it", () => {
    const environment = { PULUMI_SKIP_CHECKPOINTS: "true" };
    assert.match(problem(["pulumi", "up"], environment), /^PULUMI_SKIP_CHECKPOINTS is not for /);
  });

  it("is nobody's business in a stack without a cutover", () => {
    const config = { ...withCutover, settings: { cutover: { enabled: false } } };
    refusePartialRun(config as unknown as Config, under(["pulumi", "up", "--target", "x"]), {});
  });
});
