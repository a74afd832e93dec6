import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { V1PersistentVolumeClaim } from "@kubernetes/client-node";
import type { Change } from "@mcp-fleet/lifecycle";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

import { type Cluster, ensureCluster } from "../../lab/cluster";
import { ensureImages } from "../../lab/images";
import { type Kube, openKube } from "../../lab/kube";
import { consoleLog } from "../../lab/log";
import { mcpFleet } from "../support/cli";
import { eventually } from "../support/eventually";
import { closeExample, type Example, openExample, restrictedNamespace } from "../support/example";
import { hostVolume } from "../support/volume";

type Servers = Record<string, Record<string, unknown>>;

const namespace = `kept-${randomBytes(3).toString("hex")}`;
const volumes = [`${namespace}-0`, `${namespace}-1`];

/** `examples/servers/memory.yaml` on volumes of this machine: data of a tool call outlives pods and StatefulSets. */
describe("a server that keeps data", function () {
  this.timeout(5 * 60_000);
  let cluster: Cluster;
  let kube: Kube;
  let image: string;
  let directory: string;
  let example: Example | undefined;

  before(async function () {
    this.timeout(45 * 60_000);
    cluster = await ensureCluster(consoleLog());
    if (cluster.engine !== "bare") {
      process.stdout.write("    skipped: the volumes are directories of this machine\n");
      this.skip();
    }
    kube = await openKube(cluster);
    image = (await ensureImages(cluster, consoleLog(), ["memory-server"]))["memory-server"];
    directory = mkdtempSync(join(tmpdir(), "mcp-fleet-kept-"));
    chmodSync(directory, 0o755);
    await restrictedNamespace(kube, namespace);
    for (const name of volumes) {
      const path = mkdtempSync(join(directory, "volume-"));
      // The kubelet does not change the group of a host directory.
      chmodSync(path, 0o777);
      await kube.apply([hostVolume(name, path, namespace)]);
    }
  });

  after(async () => {
    if (kube === undefined) return;
    await example?.run("destroy").catch(() => undefined);
    if (example !== undefined) closeExample(example);
    await kube.core.deleteNamespace({ name: namespace }).catch(() => undefined);
    for (const name of volumes)
      await kube.core.deletePersistentVolume({ name }).catch(() => undefined);
    rmSync(directory, { recursive: true, force: true });
  });

  /** The example with another volume and other keys, in the same stack. */
  const up = async (data: object, more: object = {}): Promise<[type: string, op: string][]> => {
    example = openExample(
      "examples/servers/memory",
      cluster,
      {
        ...{ namespace, createNamespace: false, allowed: {} },
        servers: (own: Servers) => ({
          memory: { ...own.memory, image, volumes: { data: { mount: "/data", ...data } }, ...more },
        }),
      },
      example?.directory,
    );
    const { changes } = await example.run("up");
    return changes
      .filter(({ op }) => op !== "same")
      .map(({ type, op }) => [type.replace(/^kubernetes:/, ""), op]);
  };
  const claim = (size: string): object => ({ claimTemplate: { size, storageClass: namespace } });
  const run = async (...args: string[]): Promise<Change> => {
    const { stdout, stderr, exitCode } = await mcpFleet([
      ...["--kubeconfig", cluster.kubeconfig, "--context", cluster.context],
      ...["-n", namespace, "-o", "json", ...args],
    ]);
    assert.equal(exitCode, 0, stderr);
    return JSON.parse(stdout) as Change;
  };
  const call = async (name: string, args: Record<string, unknown> = {}): Promise<string> => {
    const { spec } = await kube.core.readNamespacedService({ namespace, name: "memory-mcp" });
    const url = new URL(`http://${spec?.clusterIP}:${spec?.ports?.[0]?.port}/mcp`);
    let client = new Client({ name: "kept-data", version: "1" });
    // A pod is ready a moment before its Service leads to it.
    await eventually("the Service leads to the pod", async () => {
      client = new Client({ name: "kept-data", version: "1" });
      await client.connect(new StreamableHTTPClientTransport(url));
      return true;
    });
    try {
      return JSON.stringify(await client.callTool({ name, arguments: args }));
    } finally {
      await client.close();
    }
  };
  const remember = (name: string): Promise<string> =>
    call("create_entities", { entities: [{ name, entityType: "thing", observations: ["kept"] }] });
  const pods = async (): Promise<string[]> => {
    const labelSelector = "app.kubernetes.io/name=memory-mcp";
    const { items } = await kube.core.listNamespacedPod({ namespace, labelSelector });
    return items.map(({ metadata }) => `${metadata?.name} ${metadata?.uid}`);
  };
  const claims = async (): Promise<V1PersistentVolumeClaim[]> =>
    (await kube.core.listNamespacedPersistentVolumeClaim({ namespace })).items;
  const bound = async (): Promise<string[]> =>
    (await claims())
      .filter(({ status }) => status?.phase === "Bound")
      .map(({ metadata }) => metadata?.name ?? "")
      .sort();
  const deployments = async (): Promise<number> =>
    (await kube.apps.listNamespacedDeployment({ namespace })).items.length;

  it("takes the place of a Deployment of the same name, which goes once the new pod is ready", async () => {
    await up({ emptyDir: {} });
    assert.equal(await deployments(), 1);
    const changes = await up(claim("32Mi"));
    assert.deepEqual(changes, [
      ["apps/v1:StatefulSet", "create"],
      ["apps/v1:Deployment", "delete"],
    ]);
    assert.equal(await deployments(), 0);
    assert.deepEqual(await bound(), ["data-memory-mcp-0"]);
  });

  it("has after a restart what a tool call wrote before", async () => {
    await remember("restart");
    const before = await pods();
    const change = await run("restart", "memory");
    assert.deepEqual([change.kind, change.status], ["StatefulSet", "running"]);
    const after = await pods();
    assert.equal(after.length, 1);
    assert.ok(!before.includes(after[0] ?? ""), "the pod is the one of before");
    assert.match(await call("read_graph"), /restart/);
  });

  it("is scaled, each pod with a claim of its own, and the claim of a pod that went stays", async () => {
    const more = await run("scale", "memory", "2", "--wait");
    assert.deepEqual([more.status, more.readyReplicas], ["running", 2]);
    assert.deepEqual(await bound(), ["data-memory-mcp-0", "data-memory-mcp-1"]);
    const less = await run("scale", "memory", "1", "--wait");
    assert.deepEqual([less.status, less.readyReplicas], ["running", 1]);
    assert.deepEqual(await bound(), ["data-memory-mcp-0", "data-memory-mcp-1"]);
    assert.match(await call("read_graph"), /restart/);
  });

  it("is mended by the next template where one never gets ready", async () => {
    const command = ["node", "-e", "process.exit(3)"];
    const broken = { source: "image", stdio: undefined, command, rolloutSeconds: 20 };
    // The lab's plugin is older than 4.26 and reports a StatefulSet's update as complete before its controller
    // saw it.
    await up(claim("32Mi"), broken).catch(() => undefined);
    const ready = async (): Promise<number> => {
      const where = { namespace, name: "memory-mcp" };
      return (await kube.apps.readNamespacedStatefulSet(where)).status?.readyReplicas ?? 0;
    };
    await eventually(
      "the pod of the broken template is not ready",
      async () => (await ready()) === 0,
    );
    assert.deepEqual(await up(claim("32Mi")), [["apps/v1:StatefulSet", "update"]]);
    await eventually("the mended one is ready", async () => (await ready()) === 1);
    assert.match(await call("read_graph"), /restart/);
  });

  it("is made anew for another size, which the claim that is there does not get", async () => {
    const before = await pods();
    assert.deepEqual(await up(claim("48Mi")), [["apps/v1:StatefulSet", "replace"]]);
    assert.ok(!before.includes((await pods())[0] ?? ""), "the pod is the one of before");
    const [first] = await claims();
    assert.equal(first?.spec?.resources?.requests?.storage, "32Mi");
    assert.match(await call("read_graph"), /restart/);
  });

  it("leaves its claims when it is destroyed, and finds them when it comes again", async () => {
    await example?.run("destroy");
    const sets = await kube.apps.listNamespacedStatefulSet({ namespace });
    assert.deepEqual(sets.items, []);
    assert.deepEqual(await bound(), ["data-memory-mcp-0", "data-memory-mcp-1"]);
    await up(claim("48Mi"));
    assert.match(await call("read_graph"), /restart/);
  });
});
