import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import { connectKube, type Kube as Connected, readServers } from "@mcp-fleet/kube";
import {
  type Change,
  getMcpStatus,
  listMcpServers,
  type McpServerStatus,
  type McpServerSummary,
} from "@mcp-fleet/lifecycle";
import { readServices } from "@mcp-fleet/operations/dist/services";

import { type Cluster, ensureCluster } from "../../lab/cluster";
import { ensureImages } from "../../lab/images";
import { type Kube, openKube } from "../../lab/kube";
import { silentLog } from "../../lab/log";
import { type CliResult, mcpFleet } from "../support/cli";
import { eventually } from "../support/eventually";
import { type OddShape, oddShapes } from "../support/odd-shapes";

const namespace = `odd-test-${randomUUID().slice(0, 8)}`;

/** Exactly the expected lines. */
function sameLines(lines: readonly string[], expected: readonly RegExp[], what: string): void {
  assert.equal(lines.length, expected.length, `${what}: ${lines.join("\n")}`);
  expected.forEach((one, index) => assert.match(lines[index] ?? "", one, what));
}

describe("cluster: servers that other people's manifests made", function () {
  this.timeout(300_000);
  let cluster: Cluster;
  let kube: Kube;
  let connected: Connected;
  let shapes: readonly OddShape[];
  let listed: readonly McpServerSummary[];

  const run = (...args: string[]): Promise<CliResult> =>
    mcpFleet([...args, "-n", namespace, "--context", cluster.context], {
      KUBECONFIG: cluster.kubeconfig,
    });
  const json = async <T>(code: number, ...args: string[]): Promise<T> => {
    const { exitCode, stdout, stderr } = await run(...args, "-o", "json");
    assert.equal(exitCode, code, stderr);
    return JSON.parse(stdout) as T;
  };

  before(async function () {
    this.timeout(30 * 60_000); // the first run of all builds the cluster and the images
    cluster = await ensureCluster(silentLog);
    const images = await ensureImages(cluster, silentLog);
    kube = await openKube(cluster);
    const { context, kubeconfig } = cluster;
    connected = await connectKube({ context }, { kubeconfig });
    shapes = oddShapes(namespace, { server: images["llmctl-mcp"] });
    await kube.core.createNamespace({ body: { metadata: { name: namespace } } });
    await kube.apply(shapes.flatMap(({ around, workload }) => [...around, workload]));
    await eventually(
      "every server is as its shape says",
      async () => {
        listed = await listMcpServers(connected, { namespace });
        for (const { name, status, trouble } of shapes) {
          const found = listed.find((one) => one.name === name);
          assert.equal(found?.status, status, `${name}: ${found?.reason}`);
          if (trouble === undefined) continue;
          const [said = ""] = (found.reason ?? "").split("; ").filter((one) => /^pod /.test(one));
          assert.match(said, trouble);
        }
        return true;
      },
      240,
    );
  });

  after(async () => {
    await kube?.core.deleteNamespace({ name: namespace });
  });

  it("list has each once, with the Service to call, and what is in the way", async () => {
    const { exitCode, stdout } = await run("list", "-o", "json");
    assert.equal(exitCode, 10);
    const all = JSON.parse(stdout) as McpServerSummary[];
    assert.deepEqual(
      all.map(({ name }) => name),
      shapes.map(({ name }) => name).sort(),
    );
    for (const { name, call, services, obstacles, workload } of shapes) {
      const found = all.find((one) => one.name === name);
      assert.deepEqual(
        [found?.services, found?.url, found?.kind],
        [services, call === undefined ? undefined : `http://${call}`, workload.kind],
        name,
      );
      sameLines(found?.obstacles ?? [], obstacles, name);
    }
  });

  it("status agrees with it, and shows what the failing containers printed last", async () => {
    for (const { name, services, obstacles, said, trouble } of shapes) {
      const status = await getMcpStatus(connected, name, { namespace });
      assert.deepEqual(status.services, services, name);
      sameLines(status.obstacles, obstacles, name);
      const lines = status.lastLines.flatMap((one) => one.lines);
      sameLines(lines, said === undefined ? [] : [said], `${name}, last lines`);
      assert.equal(status.troubles.length, trouble === undefined ? 0 : 1, name);
    }
    const shown = await json<McpServerStatus>(10, "status", "init-crash");
    assert.match(shown.lastLines[0]?.lines[0] ?? "", /^no license found$/);
  });

  it("a probe reaches those that serve, through whatever Service", async () => {
    const { stdout } = await run("list", "--probe", "-o", "json");
    const all = JSON.parse(stdout) as McpServerSummary[];
    for (const { name, doing } of shapes) {
      const { probe } = all.find((one) => one.name === name) ?? {};
      if (doing === "serves") assert.equal(probe?.ok, true, `${name}: ${probe?.message}`);
      if (doing === "sleeps") assert.equal(probe?.ok, false, name);
    }
    const unreachable = all.find(({ name }) => name === "external")?.probe?.message ?? "";
    assert.match(unreachable, /no Service selects its pods; Service external is an ExternalName/);
  });

  it("mcp-json, drift and stray mean the same servers and the same Services", async () => {
    const { mcpServers } = await json<{ mcpServers: Record<string, { url: string }> }>(
      0,
      "mcp-json",
    );
    const wanted = shapes.flatMap(({ name, client = name, call }): [string, string][] =>
      call === undefined ? [] : [[client, `http://${call}`]],
    );
    assert.deepEqual(
      Object.fromEntries(Object.entries(mcpServers).map(([name, { url }]) => [name, url])),
      Object.fromEntries(wanted),
    );
    const services = await readServices(connected, namespace);
    const carrying = [...services.values()].filter(({ carries }) => carries);
    const first = shapes.flatMap(({ call, services: [one = ""] }) =>
      call === undefined ? [] : one,
    );
    assert.deepEqual(carrying.map(({ name }) => name).sort(), [...new Set(first)].sort());
    const { exitCode, stdout } = await run("stray", "--forbid-namespace", namespace, "-o", "json");
    assert.equal(exitCode, 10);
    const { servers } = JSON.parse(stdout) as {
      servers: {
        kind: string;
        namespace: string;
        name: string;
        evidence: string;
        services: string[];
      }[];
    };
    const here = servers.filter((one) => one.namespace === namespace);
    assert.equal(here.length, shapes.length);
    for (const { workload, services: own } of shapes) {
      const { kind, metadata } = workload;
      const one = here.find((other) => other.kind === kind && other.name === metadata?.name);
      assert.equal(one?.evidence, "label");
      assert.deepEqual([...(one?.services ?? [])].sort(), [...own].sort());
    }
  });

  it("a StatefulSet is scaled, restarted, stopped and started, and its logs are read", async () => {
    const scaled = await json<Change>(0, "scale", "kept", "2", "--wait");
    assert.deepEqual(
      [scaled.kind, scaled.before, scaled.after, scaled.readyReplicas, scaled.status],
      ["StatefulSet", 1, 2, 2, "running"],
    );
    const uids = async (): Promise<string[]> => {
      const { items } = await kube.core.listNamespacedPod({ namespace, labelSelector: "app=kept" });
      // One whose processes have ended is listed for a moment longer.
      const alive = items.filter(
        ({ status }) => status?.phase !== "Succeeded" && status?.phase !== "Failed",
      );
      return alive.map(({ metadata }) => metadata?.uid ?? "");
    };
    const before = await uids();
    const restarted = await json<Change>(0, "restart", "kept");
    assert.deepEqual([restarted.status, restarted.readyReplicas], ["running", 2]);
    assert.ok((await uids()).every((uid) => !before.includes(uid)));
    const logs = await run("logs", "kept");
    assert.match(logs.stdout, /^kept-0 /m);
    assert.match(logs.stdout, /^kept-1 /m);
    const stopped = await json<Change>(0, "stop", "kept", "--wait");
    assert.deepEqual([stopped.after, stopped.status], [0, "stopped"]);
    assert.deepEqual(await uids(), []);
    const started = await json<Change>(0, "start", "sts/kept");
    assert.deepEqual([started.after, started.status, started.readyReplicas], [1, "running", 1]);
    const killed = await json<Change>(0, "stop", "kept", "--force");
    assert.deepEqual(killed.killedPods, ["kept-0"]);
  });

  it("a StatefulSet with a partition is restarted as far as it lets itself be", async () => {
    const { status, obstacles } = await json<Change>(0, "restart", "held-back");
    assert.equal(status, "running");
    assert.equal(obstacles.length, 1);
    const { items } = await kube.core.listNamespacedPod({
      namespace,
      labelSelector: "app=held-back",
    });
    const revisions = items.map(({ metadata }) => metadata?.labels?.["controller-revision-hash"]);
    assert.equal(new Set(revisions).size, 2);
  });

  it("what would be undone or held up is refused, with the command that helps", async () => {
    for (const { name, noScale, noRestart } of shapes) {
      if (noScale !== undefined) {
        const { exitCode, stderr } = await run("scale", name, "7");
        assert.equal(exitCode, 1);
        assert.match(stderr, noScale);
        const [, bounds = ""] = /--type merge -p '(.*)'/.exec(stderr) ?? [];
        assert.deepEqual(JSON.parse(bounds), { spec: { maxReplicas: 7 } });
      }
      if (noRestart === undefined) continue;
      const { exitCode, stderr } = await run("restart", name);
      assert.equal(exitCode, 1);
      assert.match(stderr, noRestart);
    }
    const within = await run("scale", "scaled", "3");
    assert.match(within.stderr, /in the way: HorizontalPodAutoscaler scaled-by-load/);
    assert.equal(within.exitCode, 0);
  });

  it("logs are those of an init container that is waited for, and a wait's end quotes it", async () => {
    const { stdout, stderr, exitCode } = await run("logs", "init-crash");
    assert.equal(exitCode, 0, stderr);
    assert.match(stdout, /^init-crash-\S+ no license found$/);
    assert.match(stderr, /^an init container's log: pod init-crash-\S+ /);
    const waited = await run("start", "waiting", "--timeout", "2");
    assert.equal(waited.exitCode, 4);
    assert.match(
      waited.stderr,
      /waits for its init container wait-for-db, which is running; container wait-for-db of pod waiting-\S+ last printed: "waiting for the database at postgres:\/\/\*\*\*@db\/x"/,
    );
  });

  it("a StatefulSet whose pods a quota forbids is shown as failed, with the quota's words", async () => {
    const body = { metadata: { name: "full" }, spec: { hard: { pods: "1" } } };
    await kube.core.createNamespacedResourceQuota({ namespace, body });
    await eventually("the quota has counted the pods", async () => {
      const { items } = await kube.core.listNamespacedResourceQuota({ namespace });
      return items[0]?.status?.used?.pods !== undefined;
    });
    await run("scale", "held-back", "3");
    await eventually("the list says so", async () => {
      const found = (await listMcpServers(connected, { namespace })).find(
        ({ name }) => name === "held-back",
      );
      assert.equal(found?.status, "failed", found?.reason);
      assert.match(found.reason ?? "", /no pod can be made: .*exceeded quota: full/);
      return true;
    });
    const { servers } = await readServers(connected, namespace);
    assert.equal(servers.length, shapes.length);
  });
});
