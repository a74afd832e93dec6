import { strict as assert } from "node:assert";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { parse, stringify } from "yaml";

import { alertGroups } from "../../../components/observability";
import { run } from "../../../lab/exec";
import { paths } from "../../../lab/paths";
import { prometheusTools } from "../../support/prometheus";

const cases = join(paths.projectDir, "test/unit/observability/alerts.yaml");

interface Case {
  readonly alert_rule_test: readonly {
    readonly alertname: string;
    readonly exp_alerts: readonly unknown[];
  }[];
}

describe("alerts", () => {
  it("each fires and resolves, in promtool", async function () {
    this.timeout(240_000);
    const tools = await prometheusTools();
    if (typeof tools === "string") {
      process.stdout.write(`    skipped: ${tools}\n`);
      this.skip();
    }
    const dir = await mkdtemp(join(tmpdir(), "mcp-fleet-alerts-"));
    try {
      await writeFile(join(dir, "full.yaml"), stringify({ groups: alertGroups() }));
      await run(tools.promtool, ["check", "rules", "--lint-fatal", "full.yaml"], { cwd: dir });
      // promtool compares annotations too; the cases are about the time, not the text.
      const bare = alertGroups().map(({ name, rules }) => ({
        name,
        rules: rules.map((rule) => ({ ...rule, annotations: undefined })),
      }));
      await writeFile(join(dir, "rules.yaml"), stringify({ groups: bare }));
      await copyFile(cases, join(dir, "cases.yaml"));
      await run(tools.promtool, ["test", "rules", "cases.yaml"], { cwd: dir });
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });

  it("have a case each in which they fire and one in which they do not", async () => {
    const checks = (parse(await readFile(cases, "utf8")) as { tests: Case[] }).tests.flatMap(
      (one) => one.alert_rule_test,
    );
    for (const { alert } of alertGroups().flatMap((group) => group.rules)) {
      const own = checks.filter((check) => check.alertname === alert);
      assert.ok(
        own.some((check) => check.exp_alerts.length > 0),
        `${alert} never fires`,
      );
      assert.deepEqual(own.at(-1)?.exp_alerts, [], `${alert} is not seen to resolve`);
    }
  });
});
