import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { DriftReport, ListedUpdate, VerifyReport } from "@mcp-fleet/operations";
import type { RowPlan } from "@mcp-fleet/row-cutover";
import {
  type LockedServers,
  parseToolsLock,
  toolsLockFile,
  toolsLockText,
} from "@mcp-fleet/schema";

import { labNamespace } from "../../lab/companions";
import { secretMark } from "../../lab/database/schema";
import { stackName } from "../../lab/engine";
import { consoleLog } from "../../lab/log";
import { paths } from "../../lab/paths";
import { type Lab, openLab } from "../../lab/session";
import { mcpFleet } from "../support/cli";
import { eventually } from "../support/eventually";
import { everything } from "../support/lab";
import { queryAt } from "../support/postgres";
import { serverObjects } from "../support/servers";

const github = "llmctl-mcp-github";
const atlassian = "llmctl-mcp-atlassian";

/** Runs a command on the lab and returns its JSON with its exit code. */
async function lab_<T>(...args: string[]): Promise<{ code: number; data: T; text: string }> {
  const command = [...args, "--lab", "--output", "json"];
  const { exitCode: code, stdout, stderr } = await mcpFleet(command, {}, 300);
  assert.ok(!`${stdout}${stderr}`.includes(secretMark), "a secret is shown");
  if (stdout === "") assert.fail(`no answer: ${stderr}`);
  return { code, data: JSON.parse(stdout) as T, text: stderr };
}

describe("day two on the lab, by command line", function () {
  this.timeout(6 * 60_000);
  let lab: Lab;

  before(async function () {
    this.timeout(60 * 60_000);
    lab = await openLab({}, consoleLog());
    await lab.up("in-cluster");
  });

  const sql = (text: string, values: unknown[] = [], url = lab.database.url) =>
    queryAt(url, text, values);

  /** The findings of drift while `change` is in place, as `kind/subject`. */
  async function driftWith(
    change: () => Promise<unknown>,
    undo: () => Promise<unknown>,
  ): Promise<string[]> {
    await change();
    try {
      const { code, data } = await lab_<DriftReport>("drift");
      assert.equal(code, data.findings.length === 0 ? 0 : 10);
      return data.findings.map(({ kind, subject }) => `${kind}/${subject}`).sort();
    } finally {
      await undo();
    }
  }

  /** The same with another document in the row of the GitHub server. */
  async function driftWithRow(document: object): Promise<string[]> {
    const key = "server_key = 'github'";
    const [row] = await sql(`select config_json::text as document from mcp_servers where ${key}`);
    const set = (text: unknown) => () =>
      sql(`update mcp_servers set config_json = $1 where ${key}`, [text]);
    return driftWith(set(JSON.stringify(document)), set(row?.document));
  }

  it("drift: nothing after a cutover", async () => {
    assert.deepEqual(
      await driftWith(
        () => Promise.resolve(),
        () => Promise.resolve(),
      ),
      [],
    );
  });

  it("drift: a row whose Service is not there, and the Service that no row names any more", async () => {
    const found = await driftWithRow({
      url: `http://gone.${labNamespace}.svc.cluster.local:8000/mcp`,
      transport: "streamable-http",
    });
    assert.deepEqual(found, [
      "output-differs/github",
      "row-changed/github",
      "row-without-service/github",
      `service-without-row/${github}`,
    ]);
  });

  it("drift: another port, another path", async () => {
    const host = `${github}.${labNamespace}.svc.cluster.local`;
    const found = await driftWithRow({
      url: `http://${host}:9999/sse`,
      transport: "streamable-http",
    });
    assert.deepEqual(found, [
      "output-differs/github",
      "row-changed/github",
      "wrong-path/github",
      "wrong-port/github",
    ]);
  });

  it("drift: a Service that neither a row nor the stack knows", async () => {
    const name = "h-stray";
    const where = { namespace: labNamespace, name };
    const found = await driftWith(
      () => lab.kube.apply(serverObjects({ ...where, image: "example/none:1", replicas: 0 })),
      () =>
        Promise.all([
          lab.kube.core.deleteNamespacedService(where),
          lab.kube.apps.deleteNamespacedDeployment(where),
        ]),
    );
    assert.deepEqual(found, [`service-without-row/${name}`]);
  });

  it("verify: every server as the cutover recorded it, from both consumers", async () => {
    const { code, data } = await lab_<VerifyReport>("verify");
    assert.equal(code, 0, JSON.stringify(data.servers.map(({ problem }) => problem)));
    assert.equal(data.servers.length, 10);
    assert.ok(data.servers.every((one) => one.compared && one.ok && one.tools > 0));
  });

  it("verify: a tool that a server lists no more is named", async () => {
    const [tool, ...rest] = await recordedTools();
    assert.ok(tool !== undefined);
    await enabledTools(rest);
    try {
      const { code, data } = await lab_<VerifyReport>("verify");
      const failed = data.servers.filter(({ ok }) => !ok);
      assert.equal(code, 10);
      assert.deepEqual([...new Set(failed.map(({ server }) => server))], ["atlassian"]);
      assert.deepEqual(failed[0]?.missing, [tool]);
    } finally {
      await enabledTools(undefined);
    }
  });

  async function recordedTools(): Promise<string[]> {
    const [run] = await sql(
      "select tools -> 'atlassian' as tools from mcp_cutover.run where tools is not null order by committed_at desc limit 1",
      [],
      lab.database.cutoverUrl,
    );
    return run?.tools as string[];
  }

  /** The Atlassian server takes the names of its tools from ENABLED_TOOLS. */
  async function enabledTools(tools: readonly string[] | undefined): Promise<void> {
    const where = { namespace: labNamespace, name: atlassian };
    const deployment = await lab.kube.apps.readNamespacedDeployment(where);
    const container = deployment.spec?.template.spec?.containers[0];
    assert.ok(container !== undefined);
    const others = (container.env ?? []).filter(({ name }) => name !== "ENABLED_TOOLS");
    container.env =
      tools === undefined ? others : [...others, { name: "ENABLED_TOOLS", value: tools.join(",") }];
    await lab.kube.apps.replaceNamespacedDeployment({ ...where, body: deployment });
    await lab.kube.waitForDeployment(labNamespace, atlassian, 120);
  }

  describe("tools", () => {
    const file = join(paths.projectDir, toolsLockFile(`Pulumi.${stackName}.yaml`));
    const remove = (): void => rmSync(file, { force: true });
    before(remove);
    after(remove);
    const locked = (): LockedServers => parseToolsLock(file, readFileSync(file, "utf8"));
    const names = ({ atlassian: own }: LockedServers): string[] => Object.keys(own ?? {}).sort();

    it("lock: what all servers list is agreed to, and an update holds them to it", async () => {
      const { code, data } = await lab_<{ locked: string[] }>("tools", "lock");
      assert.deepEqual(
        [code, data.locked],
        [0, ["atlassian", "chroma", "github", "google-cloud", "llmctl-mcp"]],
      );
      assert.deepEqual(names(locked()), (await recordedTools()).sort());
      assert.equal((await lab_("tools", "diff")).code, 0);
      await lab.up("in-cluster");
      assert.equal((await lab_<VerifyReport>("verify")).code, 0);
    });

    it("diff, lock and approve: a tool that is gone is named, and goes only when it is told to", async () => {
      const agreed = readFileSync(file, "utf8");
      const [tool, ...rest] = names(locked());
      assert.ok(tool !== undefined);
      await enabledTools(rest);
      try {
        const found = await lab_<{ server: string; missing: string[] }[]>("tools", "diff");
        assert.equal(found.code, 10);
        assert.deepEqual(
          found.data.filter(({ missing }) => missing.length > 0).map((one) => one.missing),
          [[tool]],
        );
        const { code, data } = await lab_<VerifyReport>("verify");
        assert.equal(code, 10);
        const [failed] = data.servers.filter(({ ok }) => !ok);
        assert.equal(failed?.outcome, "changed-tools");
        assert.match(failed.problem, new RegExp(`lists ${tool} no more, against the tools lock`));
        assert.equal((await lab_("tools", "lock")).code, 10);
        assert.equal(readFileSync(file, "utf8"), agreed);
        assert.equal((await lab_("tools", "approve", "atlassian")).code, 0);
        assert.deepEqual(names(locked()), rest);
      } finally {
        await enabledTools(undefined);
        writeFileSync(file, agreed);
      }
    });

    it("diff --image: a release is asked beside the one that runs, and nothing of it is left", async () => {
      const [image = ""] = await imagesOf(atlassian);
      const same = await lab_<{ tokens: object }[]>("tools", "diff", "atlassian", "--image", image);
      assert.deepEqual([same.code, same.data.length], [0, 1], same.text);
      const { exitCode, stderr } = await mcpFleet(
        ["tools", "diff", "atlassian", "--lab", "--image", "mcp-fleet.invalid/no-such-image:1"],
        {},
        200,
      );
      assert.equal(exitCode, 1, stderr);
      assert.match(stderr, /atlassian could not be asked with .* cannot pull its image/);
      await eventually("nothing of it is left", async () => {
        const { items } = await lab.kube.core.listNamespacedPod({ namespace: labNamespace });
        return !items.some(({ metadata }) => /candidate/.test(metadata?.name ?? ""));
      });
    });

    it("lock: an update to servers that list something else stops before the rows, and says what", async () => {
      const agreed = locked();
      const [tool = "", ...rest] = names(agreed);
      const { [tool]: one, ...others } = agreed.atlassian ?? {};
      const reworded = { ...one, description: "Finds all, and sends it on." };
      writeFileSync(
        file,
        toolsLockText({ ...agreed, atlassian: { ...others, [tool]: reworded, gone: {} } }),
      );
      assert.ok(rest.length > 0);
      const before = await everything(lab);
      await assert.rejects(
        () => lab.up("in-cluster"),
        new RegExp(
          `lists gone no more, and has changed ${tool} \\(description\\), against the tools lock`,
        ),
      );
      assert.equal(await everything(lab), before);
      remove();
      await lab.up("in-cluster");
    });
  });

  const imagesOf = async (name: string): Promise<(string | undefined)[]> => {
    const { spec } = await lab.kube.apps.readNamespacedDeployment({
      ...{ namespace: labNamespace, name },
    });
    return (spec?.template.spec?.containers ?? []).map(({ image }) => image);
  };

  it("plan: each row's way back, nothing written", async () => {
    const before = await everything(lab);
    const { data } = await lab_<RowPlan>("plan", "--target", "embedded");
    assert.deepEqual(
      data.changes.map(({ key, action, to }) => `${action} ${key} ${to ?? ""}`),
      [
        "restore atlassian stdio mcp-atlassian",
        "restore chroma stdio python3",
        "restore github stdio mcp-server-github",
        "restore google-cloud stdio gcloud-mcp",
        "restore llmctl-mcp stdio python3",
      ],
    );
    assert.equal(await everything(lab), before);
  });

  it("rollback: to any of the last three updates", async function () {
    this.timeout(10 * 60_000);
    const upped = async (...how: Parameters<Lab["up"]>): Promise<number> => {
      await lab.up(...how);
      return (await lab.stack.history()).at(-1)?.version ?? 0;
    };
    const forward = await upped("in-cluster", { cutover: { onConflict: "keep" } });
    const back = await upped("embedded");
    const last = await upped("in-cluster");
    const to = async (version: number): Promise<{ target: string; generation: number }> => {
      const args = ["rollback", "--to", String(version), "--yes", "--keep-program"];
      const { code, data, text } = await lab_<{ target: string; generation: number }>(...args);
      assert.equal(code, 0, text);
      return data;
    };
    const first = (await to(back)).generation;
    assert.ok(
      (await lab.rows()).every(
        ({ type, transport }) => type !== "integrated" || transport === "stdio",
      ),
    );
    assert.deepEqual(await to(last), { update: last, target: "in-cluster", generation: first + 1 });
    assert.deepEqual(await to(forward), {
      update: forward,
      target: "in-cluster",
      generation: first + 1,
    });
    const { data } = await lab_<ListedUpdate[]>("history", "--limit", "3");
    assert.deepEqual(
      data.map(({ generation, moved }) => [generation, moved]),
      [
        [first + 1, false],
        [first + 1, true],
        [first, true],
      ],
    );
  });

  it("bad cases say what is wrong and what helps, in two sentences, and do nothing", async () => {
    const before = await everything(lab);
    const cases: [string[], number, RegExp, Record<string, string>?][] = [
      [["rollback", "--lab", "--to", "9999"], 3, /no update 9999/],
      [["rollback", "--lab", "--to", "two"], 2, /--to is "two"/],
      [["rollback", "--lab", "--yes", "--target", "urn:x"], 2, /refused with --target/],
      [
        ["rollback", "--lab", "--yes", "--continue-on-error"],
        2,
        /refused with --continue-on-error/,
      ],
      [["rollback", "--lab"], 2, /PULUMI_SKIP_CHECKPOINTS/, { PULUMI_SKIP_CHECKPOINTS: "true" }],
      [["finalize", "--lab", "--generation", "1"], 2, /nothing was changed/],
      [["drift", "--fleet", "/nonexistent.json"], 2, /cannot be read/],
      [["history", "--cwd", "/"], 2, /no Pulumi\.yaml/],
    ];
    for (const [args, code, message, env] of cases) {
      const done = await mcpFleet(args, env ?? {});
      assert.equal(done.exitCode, code, `${args.join(" ")}: ${done.stderr}`);
      assert.match(done.stderr, message);
      assert.equal(done.stderr.trim().split("\n").length, 2, done.stderr);
    }
    assert.equal(await everything(lab), before);
  });
});
