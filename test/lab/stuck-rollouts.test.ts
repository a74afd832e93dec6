import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import type { V1Deployment } from "@kubernetes/client-node";
import type { McpServerStatus, McpServerSummary } from "@mcp-fleet/lifecycle";

import { type Cluster, ensureCluster } from "../../lab/cluster";
import { ensureImages } from "../../lab/images";
import { type Kube, openKube } from "../../lab/kube";
import { silentLog } from "../../lab/log";
import { type CliResult, mcpFleet } from "../support/cli";
import { eventually } from "../support/eventually";
import { serverObjects } from "../support/servers";

const namespace = `stuck-test-${randomUUID().slice(0, 8)}`;
const noImage = "mcp-fleet.invalid/no-such-image:2";

/** What hangs, why, and what the commands must report. */
const hanging = {
  image:
    /cannot pull its image mcp-fleet\.invalid\/no-such-image:2 \((ErrImagePull|ImagePullBackOff)/,
  crash: /(is in CrashLoopBackOff|crashes): its container server .*exit code 3/,
  schedule: /cannot be scheduled \(Unschedulable: .*0\/\d+ nodes/,
  quota: /no pod can be made: .*exceeded quota/,
} as const;
type Hanging = keyof typeof hanging;
const names = Object.keys(hanging) as Hanging[];

describe("cluster: a rollout that hangs while the pod of before serves", function () {
  this.timeout(180_000);
  let kube: Kube;
  let cluster: Cluster;
  let image: string;

  const run = (...args: string[]): Promise<CliResult> =>
    mcpFleet([...args, "-n", namespace, "--context", cluster.context], {
      KUBECONFIG: cluster.kubeconfig,
      COLUMNS: "100",
    });

  before(async function () {
    this.timeout(30 * 60_000); // the first run of all builds the cluster and the images
    cluster = await ensureCluster(silentLog);
    image = (await ensureImages(cluster, silentLog))["llmctl-mcp"];
    kube = await openKube(cluster);
    await kube.core.createNamespace({ body: { metadata: { name: namespace } } });
    await kube.apply(names.flatMap((name) => objectsOf(name)));
    for (const name of names) await kube.waitForDeployment(namespace, name, 120);
  });

  after(async () => {
    await kube?.core.deleteNamespace({ name: namespace });
  });

  const objectsOf = (name: Hanging): ReturnType<typeof serverObjects> => {
    const objects = serverObjects({ name, namespace, image, replicas: 1 });
    objects[0].spec = {
      ...(objects[0].spec as NonNullable<V1Deployment["spec"]>),
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    };
    return objects;
  };
  const changed = (
    name: Hanging,
    change: {
      image?: string;
      command?: string[];
      env?: string;
      nodeSelector?: Record<string, string>;
    },
  ): V1Deployment => {
    const [deployment] = objectsOf(name);
    const pod = deployment.spec?.template.spec;
    const [container] = pod?.containers ?? [];
    if (pod === undefined || container === undefined) throw new Error("the support changed");
    if (change.image !== undefined) container.image = change.image;
    if (change.command !== undefined) container.command = change.command;
    if (change.env !== undefined) container.env?.push({ name: "CHANGED", value: change.env });
    if (change.nodeSelector !== undefined) pod.nodeSelector = change.nodeSelector;
    return deployment;
  };
  const summaryOf = async (name: Hanging): Promise<McpServerSummary> => {
    const { stdout } = await run("list", "-o", "json");
    const found = (JSON.parse(stdout) as McpServerSummary[]).find((one) => one.name === name);
    assert.ok(found !== undefined, stdout);
    return found;
  };

  const failed = (name: Hanging): Promise<void> =>
    eventually(`${name} is shown as failed, and why`, async () => {
      const { status, reason = "", readyReplicas, replicas } = await summaryOf(name);
      assert.deepEqual([status, readyReplicas, replicas], ["failed", 1, 1], reason);
      assert.match(reason, hanging[name]);
      return true;
    });

  it("the list says so where a quota lets no new pod be made", async () => {
    // Pods that are there stay.
    const body = { metadata: { name: "full" }, spec: { hard: { pods: String(names.length) } } };
    await kube.core.createNamespacedResourceQuota({ namespace, body });
    await eventually("the quota has counted the pods", async () => {
      const { items } = await kube.core.listNamespacedResourceQuota({ namespace });
      return items[0]?.status?.used?.pods === String(names.length);
    });
    await kube.apply([changed("quota", { env: "new" })]);
    await failed("quota");
    await kube.core.deleteNamespacedResourceQuota({ namespace, name: "full" });
  });

  it("the list says failed and why, though as many pods are ready as are wanted", async () => {
    await kube.apply([
      changed("image", { image: noImage }),
      changed("crash", { command: ["node", "-e", "console.log('no license');process.exit(3)"] }),
      changed("schedule", { nodeSelector: { "mcp-fleet.dev/no-such": "node" } }),
    ]);
    for (const name of ["image", "crash", "schedule"] as const) await failed(name);
    const { exitCode, stdout } = await run("list");
    assert.equal(exitCode, 10);
    assert.doesNotMatch(stdout, /(image|crash|schedule) +running/);
    for (const line of stdout.split("\n")) {
      // An address that is longer than a line stays whole.
      assert.ok(line.length <= 100 || !line.trim().includes(" "), line);
    }
  });

  it("the status shows the image that serves beside the one that is wanted", async () => {
    const { stdout, exitCode } = await run("status", "image", "-o", "json");
    assert.equal(exitCode, 10);
    const status = JSON.parse(stdout) as McpServerStatus;
    assert.equal(status.image, noImage);
    assert.deepEqual(status.serving, [{ image, pods: 1 }]);
    assert.match(status.troubles.join("\n"), hanging.image);
    assert.match((await run("status", "image")).stdout, /image serving +\S+ \(1 pod\)/);
  });

  it("the logs are those of the pods that have some, with a line about each that has none", async () => {
    for (const name of ["image", "schedule"] as const) {
      const { stdout, stderr, exitCode } = await run("logs", name);
      assert.equal(exitCode, 0, stderr);
      assert.notEqual(stdout, "");
      assert.match(stderr, /^no log: pod \S+ /m);
      assert.match(stderr, hanging[name]);
    }
    const crashed = await run("logs", "crash");
    assert.equal(crashed.exitCode, 0, crashed.stderr);
    assert.match(crashed.stdout, /no license/);
  });

  it("a wait for it ends with the same reason", async () => {
    const { exitCode, stderr } = await run("restart", "image", "--timeout", "10");
    assert.equal(exitCode, 4);
    assert.match(stderr, hanging.image);
  });
});
