import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Change, McpServerStatus, McpServerSummary } from "@mcp-fleet/lifecycle";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { parse, stringify } from "yaml";

import { type Cluster, ensureCluster } from "../../lab/cluster";
import { ensureImages } from "../../lab/images";
import { type Kube, openKube } from "../../lab/kube";
import { silentLog } from "../../lab/log";
import { type CliResult, mcpFleet } from "../support/cli";
import { serverObjects } from "../support/servers";

const namespace = `lifecycle-test-${randomUUID().slice(0, 8)}`;
/** Longer than any wait here, in seconds: a pod that ends earlier was killed. */
const longGrace = 600;

describe("cluster: the servers' lifecycle by command", function () {
  this.timeout(120_000);
  let kube: Kube;
  let cluster: Cluster;
  let image: string;

  const run = (...args: string[]): Promise<CliResult> =>
    mcpFleet([...args, "-n", namespace, "--context", cluster.context], {
      KUBECONFIG: cluster.kubeconfig,
    });
  const json = async <T>(...args: string[]): Promise<T> => {
    const { exitCode, stdout, stderr } = await run(...args, "-o", "json");
    assert.equal(exitCode, 0, stderr);
    return JSON.parse(stdout) as T;
  };
  const podNames = async (name: string): Promise<string[]> => {
    const labelSelector = `app.kubernetes.io/name=${name}`;
    const pods = await kube.core.listNamespacedPod({ namespace, labelSelector });
    // A pod that has ended is listed for a moment longer.
    return pods.items
      .filter(({ status }) => status?.phase !== "Succeeded" && status?.phase !== "Failed")
      .map(({ metadata }) => metadata?.name ?? "");
  };

  before(async function () {
    this.timeout(30 * 60_000); // the first run of all builds the cluster and the images
    cluster = await ensureCluster(silentLog);
    const images = await ensureImages(cluster, silentLog);
    image = images["llmctl-mcp"];
    kube = await openKube(cluster);
    await kube.core.createNamespace({ body: { metadata: { name: namespace } } });
    // Accepts connections, speaks no MCP, and ignores SIGTERM.
    const stubborn = [
      "node",
      "-e",
      "process.on('SIGTERM', () => console.log('SIGTERM? no')); require('http').createServer((_, answer) => answer.end('hello')).listen(9020, () => console.log('listening'))",
    ];
    const servers = [
      { name: "everything", replicas: 0 },
      {
        name: "stubborn",
        replicas: 1,
        command: stubborn,
        grace: longGrace,
        image: images.probe,
      },
      { name: "homeless", replicas: 0, nodeSelector: { "mcp-fleet.dev/no-such": "node" } },
    ];
    const objects = servers.flatMap((server) => serverObjects({ namespace, image, ...server }));
    const other = serverObjects({ name: "no-server", namespace, image, replicas: 0 })[0];
    other.metadata = { name: "no-server", namespace };
    await kube.apply([...objects, other]);
  });

  after(async () => {
    await kube?.core.deleteNamespace({ name: namespace });
  });

  it("starts a stopped server, waits for it, and has nothing to do a second time", async () => {
    const started = await json<Change>("start", "everything");
    assert.deepEqual(
      { ...started, namespace: undefined },
      {
        name: "everything",
        namespace: undefined,
        kind: "Deployment",
        workload: "everything",
        before: 0,
        after: 1,
        changed: true,
        status: "running",
        readyReplicas: 1,
        obstacles: [],
      },
    );
    const again = await run("start", "everything");
    assert.match(again.stdout, /^everything: nothing to do; running, 1\/1 ready$/);
    assert.equal(again.exitCode, 0);
  });

  it("lists the servers with their states and endpoints, and nothing that is no server", async () => {
    const servers = await json<McpServerSummary[]>("list");
    const service = await kube.core.readNamespacedService({ name: "everything", namespace });
    assert.deepEqual(
      servers.map(({ name, status }) => [name, status]),
      [
        ["everything", "running"],
        ["homeless", "stopped"],
        ["stubborn", servers[2]?.status],
      ],
    );
    assert.deepEqual(servers[0]?.endpoints, [`http://${service.spec?.clusterIP}:9020`]);
    const { stdout } = await run("list");
    assert.match(stdout, /everything +running +1\/1 +http:\/\//);
    assert.doesNotMatch(stdout, /\u001b|no-server/);
    const yaml = await run("list", "-o", "yaml");
    assert.deepEqual((parse(yaml.stdout) as McpServerSummary[])[0], servers[0]);
  });

  it("finds the server whose pods are ready and which answers no MCP", async () => {
    await kube.waitForDeployment(namespace, "stubborn", 60);
    const { exitCode, stdout } = await run("list", "--probe", "-o", "json");
    assert.equal(exitCode, 10);
    const [everything, homeless, stubborn] = JSON.parse(stdout) as McpServerSummary[];
    assert.equal(everything?.status, "running", everything?.probe?.message);
    assert.ok((everything?.probe?.tools?.length ?? 0) > 5);
    assert.equal(homeless?.probe, undefined);
    assert.equal(stubborn?.status, "degraded", stubborn?.probe?.message);
  });

  it("scales up and waits, restarts with new pods, and reads the logs of all", async () => {
    const scaled = await json<Change>("scale", "everything", "2", "--wait");
    assert.deepEqual([scaled.before, scaled.after, scaled.readyReplicas], [1, 2, 2]);
    const before = await podNames("everything");
    const restarted = await json<Change>("restart", "everything");
    assert.equal(restarted.readyReplicas, 2);
    const after = await podNames("everything");
    const status = await json<McpServerStatus>("status", "everything");
    assert.deepEqual(
      [status.replicas, status.updatedReplicas, status.availableReplicas],
      [2, 2, 2],
    );
    assert.ok(Date.now() - Date.parse(status.lastActivity ?? "") < 120_000);
    assert.match(status.lastActivityFrom ?? "", /^condition (Progressing|Available)$/);
    const logs = await run("logs", "everything", "--tail", "5");
    const named = new Set(logs.stdout.split("\n").map((line) => line.split(" ")[0]));
    const left = after.filter((pod) => !before.includes(pod));
    assert.equal(left.length, 2);
    for (const pod of left) assert.ok(named.has(pod), `${pod} is not in:\n${logs.stdout}`);
  });

  it("stops for real, and says so when there is nothing left to stop", async () => {
    const stopped = await json<Change>("stop", "everything", "--wait");
    assert.deepEqual([stopped.before, stopped.after, stopped.status], [2, 0, "stopped"]);
    assert.deepEqual(await podNames("everything"), []);
    assert.equal((await json<Change>("stop", "everything", "--wait")).changed, false);
    const logs = await run("logs", "homeless");
    assert.equal(logs.exitCode, 3);
    assert.match(logs.stderr, /has no pods[^]*mcp-fleet start homeless/);
  });

  it("does the same over MCP, and tells its client what it waits for", async () => {
    const client = new Client({ name: "test", version: "1" });
    const args = [
      "bin/mcp-fleet.cjs",
      "serve",
      "-n",
      namespace,
      "--kubeconfig",
      cluster.kubeconfig,
    ];
    await client.connect(
      new StdioClientTransport({ command: process.execPath, args, stderr: "ignore" }),
    );
    try {
      const heard: string[] = [];
      const started = await client.callTool(
        { name: "start_mcp", arguments: { name: "everything", timeout: 60 } },
        undefined,
        {
          onprogress: ({ message }) => void heard.push(message ?? ""),
          resetTimeoutOnProgress: true,
        },
      );
      assert.equal((started.structuredContent as Change).status, "running");
      assert.ok(heard.includes("0 of 1 replica ready"), heard.join("; "));
      const stopped = await client.callTool({
        name: "stop_mcp",
        arguments: { name: "everything", force: true },
      });
      assert.equal((stopped.structuredContent as Change).killedPods?.length, 1);
    } finally {
      await client.close();
    }
  });

  it("ends a pod that ignores SIGTERM, when forced", async () => {
    const [pod] = await podNames("stubborn");
    const polite = await run("stop", "stubborn", "--wait", "--timeout", "4");
    assert.equal(polite.exitCode, 4);
    assert.match(polite.stderr, new RegExp(`still had pods after 4 seconds: ${pod}[^]*--force`));
    assert.match((await run("logs", "stubborn")).stdout, /SIGTERM\? no/);
    const forced = await json<Change>("stop", "stubborn", "--force");
    assert.deepEqual(forced.killedPods, [pod]);
    assert.deepEqual(await podNames("stubborn"), []);
  });

  it("gives up a start in time, and says what keeps the pod", async () => {
    const { exitCode, stderr, stdout } = await run("start", "homeless", "--timeout", "3");
    assert.equal(exitCode, 4);
    assert.equal(stdout, "");
    assert.match(
      stderr,
      /homeless was not ready within 3 seconds: 0 of 1 replica ready; pod homeless-\S+ cannot be scheduled/,
    );
    const looked = await run("status", "homeless", "-o", "json");
    assert.equal(looked.exitCode, 10);
    const status = JSON.parse(looked.stdout) as McpServerStatus;
    assert.equal(status.status, "failed");
    assert.match(status.troubles[0] ?? "", /cannot be scheduled/);
    await run("stop", "homeless", "--force");
  });

  const refused: [string[], number, RegExp][] = [
    [["status", "nobody"], 3, /There is no server "nobody" in namespace/],
    [["stop", "no-server"], 3, /is no MCP server: it lacks the label/],
    [["start", "Everything"], 2, /Did you mean "everything"\?/],
    [["scale", "everything", "11"], 2, /from 0 to 10/],
    [["scale", "everything", "1.5"], 2, /whole number/],
    [["start", "everything", "--timeout", "0"], 2, /0 is not a time to wait/],
  ];
  for (const [args, code, said] of refused) {
    it(`refuses ${args.join(" ")} with exit code ${code}`, async () => {
      const { exitCode, stderr, stdout } = await run(...args);
      assert.match(stderr, said);
      assert.equal(exitCode, code);
      assert.equal(stdout, "");
    });
  }

  it("tells a limited account what it may not do, and an unknown one to sign in", async () => {
    const kubeconfig = await limitedAccount(kube, cluster);
    const asLimited = (...args: string[]): Promise<CliResult> =>
      mcpFleet([...args, "-n", namespace], { KUBECONFIG: kubeconfig });
    assert.match((await asLimited("list")).stdout, /everything +stopped/);
    const scaled = await asLimited("scale", "everything", "1");
    assert.equal(scaled.exitCode, 5);
    assert.match(scaled.stderr, /does not allow us to scale Deployment \S+everything: .*forbidden/);
    assert.match(scaled.stderr, /docs\/cli\.md/);
    const elsewhere = await mcpFleet(["list", "-n", "kube-system"], { KUBECONFIG: kubeconfig });
    assert.equal(elsewhere.exitCode, 5);
    assert.match(
      elsewhere.stderr,
      /does not allow us to list (Deployments|Services) in kube-system/,
    );
    writeFileSync(
      kubeconfig,
      readFileSync(kubeconfig, "utf8").replace(/token: .*/, "token: expired"),
    );
    const expired = await asLimited("list");
    assert.equal(expired.exitCode, 5);
    assert.match(expired.stderr, /does not accept the kubeconfig's credentials\.\nSign in again/);
    assert.equal((await json<McpServerStatus>("status", "everything")).replicas, 0);
  });
});

/** A kubeconfig of a ServiceAccount that may read the servers and change nothing. */
async function limitedAccount(kube: Kube, cluster: Cluster): Promise<string> {
  const metadata = { name: "onlooker", namespace };
  const rule = (apiGroup: string, resources: string[]) => ({
    apiGroups: [apiGroup],
    resources,
    verbs: ["get", "list"],
  });
  await kube.apply([
    { apiVersion: "v1", kind: "ServiceAccount", metadata },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "Role",
      metadata,
      rules: [rule("apps", ["deployments"]), rule("", ["services", "pods"])],
    } as object,
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "RoleBinding",
      metadata,
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "onlooker" },
      subjects: [{ kind: "ServiceAccount", name: "onlooker", namespace }],
    } as object,
  ]);
  const { status } = await kube.core.createNamespacedServiceAccountToken({
    ...metadata,
    body: { spec: { audiences: [], expirationSeconds: 600 } },
  });
  const config = parse(readFileSync(cluster.kubeconfig, "utf8")) as {
    users: { user: object }[];
  };
  config.users = config.users.map((user) => ({ ...user, user: { token: status?.token } }));
  const file = join(mkdtempSync(join(tmpdir(), "mcp-fleet-onlooker-")), "kubeconfig");
  writeFileSync(file, stringify(config), { mode: 0o600 });
  return file;
}
