import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { KubeConfig } from "@kubernetes/client-node";
import { ApiextensionsV1Api, CustomObjectsApi } from "@kubernetes/client-node";

import { agentDefinitionObject } from "../../components/mesh";
import { type Cluster, ensureCluster } from "../../lab/cluster";
import { run } from "../../lab/exec";
import { ensureImages } from "../../lab/images";
import { type Kube, kubeConfigOf, openKube } from "../../lab/kube";
import { consoleLog } from "../../lab/log";
import { chartNamespace, chartPairs } from "../support/charts";
import { eventually } from "../support/eventually";
import { dryRun, restrictedNamespace, writeList } from "../support/example";
import { ensureHelm } from "../support/helm";
import { hostVolume } from "../support/volume";

const namespace = `charts-${randomBytes(3).toString("hex")}`;
const definition = agentDefinitionObject.metadata.name;

/** The charts as a Helm user has them: linted, compared, accepted by the API server, installed and removed. */
describe("the Helm charts in the lab", function () {
  this.timeout(180_000);
  let helm: string;
  let cluster: Cluster;
  let kube: Kube;
  let config: KubeConfig;
  let definitions: ApiextensionsV1Api;
  /** Helm leaves definitions behind; an existing one is kept. */
  let defined: boolean;
  let directory: string;
  let images: Record<"mesh-registry" | "mesh-agents", string>;

  before(async function () {
    this.timeout(30 * 60_000);
    helm = await ensureHelm();
    cluster = await ensureCluster(consoleLog());
    kube = await openKube(cluster);
    config = kubeConfigOf(cluster);
    definitions = config.makeApiClient(ApiextensionsV1Api);
    const { items } = await definitions.listCustomResourceDefinition();
    defined = items.some(({ metadata }) => metadata?.name === definition);
    images = await ensureImages(cluster, consoleLog(), ["mesh-registry", "mesh-agents"]);
    directory = mkdtempSync(join(tmpdir(), "mcp-fleet-charts-"));
    chmodSync(directory, 0o777);
    await restrictedNamespace(kube, namespace);
    await restrictedNamespace(kube, chartNamespace);
    await kube.apply([hostVolume(namespace, directory)]);
  });

  after(async () => {
    if (kube === undefined) return;
    for (const name of [namespace, chartNamespace]) {
      await kube.core.deleteNamespace({ name }).catch(() => undefined);
    }
    await kube.core.deletePersistentVolume({ name: namespace }).catch(() => undefined);
    if (!defined) {
      await definitions.deleteCustomResourceDefinition({ name: definition }).catch(() => undefined);
    }
    rmSync(directory, { recursive: true, force: true });
  });

  const release = (args: readonly string[], values?: object): Promise<string> =>
    run(helm, [...args, "-n", namespace, ...(values === undefined ? [] : ["-f", "-"])], {
      timeoutSeconds: 170,
      env: { KUBECONFIG: cluster.kubeconfig, HELM_KUBECONTEXT: cluster.context },
      ...(values === undefined ? {} : { input: JSON.stringify(values) }),
    });

  it("have nothing that helm lint finds", async () => {
    await run(helm, ["lint", "--strict", "charts/mcp-registry"]);
    await run(helm, ["lint", "--strict", "charts/mcp-agent", "--set", "image=greeter:1.0.0"]);
  });

  it("refuse values that no stack could have", async () => {
    const agent = ["template", "greeter", "charts/mcp-agent", "--set", "image=greeter:1.0.0"];
    await assert.rejects(run(helm, [...agent, "--set", "replica=2"]), /'replica' not allowed/);
    await assert.rejects(run(helm, [...agent, "--set", "port=0"]), /port/);
    const storage = "storage.sqlite.size=1Gi,storage.postgresql.secret=db";
    await assert.rejects(
      run(helm, ["template", "registry", "charts/mcp-registry", "--set", storage]),
      /storage/,
    );
  });

  it("install a registry and an agent that finds it, under Pod Security restricted", async () => {
    await release(["install", "registry", "charts/mcp-registry", "--wait", "--timeout=150s"], {
      image: images["mesh-registry"],
      storage: { sqlite: { size: "64Mi", storageClass: namespace } },
      agentTimeoutSeconds: 12,
    });
    await release(["install", "greeter", "charts/mcp-agent", "--wait", "--timeout=150s"], {
      image: images["mesh-agents"],
      args: ["/app/greeter.py"],
      registry: { name: "registry", port: 8000 },
      capabilities: [{ name: "greeting", tags: ["hello"] }],
    });
    await eventually("the registry knows the greeter", async () => {
      const answer = (await kube.getService(namespace, "registry", 8000, "/agents")) as {
        agents: { name: string; status: string }[] | null;
      };
      return answer.agents?.some(({ name, status }) => name === "greeter" && status === "healthy");
    });
    const objects = config.makeApiClient(CustomObjectsApi);
    const [group, version] = ["mesh.mcp.io", "v1"];
    const { items } = (await objects.listNamespacedCustomObject({
      ...{ group, version, namespace, plural: "mcpagents" },
    })) as { items: { metadata: { name: string } }[] };
    assert.deepEqual(
      items.map(({ metadata }) => metadata.name),
      ["greeter"],
    );
  });

  it("render what the components declare, and the API server takes all of it", async () => {
    const pairs = await chartPairs(helm);
    assert.ok(pairs.length > 25, `only ${pairs.length} objects`);
    for (const { name, component, chart } of pairs) {
      assert.deepEqual(chart, component, name);
    }
    // The lab has no Cilium.
    const known = pairs.filter(({ name }) => !name.startsWith("Cilium"));
    const file = join(directory, "objects.json");
    const objects = known.map(({ chart }) => chart);
    const taken = await dryRun(cluster, "-f", writeList(file, objects));
    assert.equal(taken.length, objects.length, taken.join("\n"));
  });

  it("leave nothing but the registry's claim and the definition", async () => {
    await release(["uninstall", "greeter", "--wait"]);
    await release(["uninstall", "registry", "--wait"]);
    const { items } = await kube.core.listNamespacedService({ namespace });
    assert.deepEqual(items, []);
    const claims = await kube.core.listNamespacedPersistentVolumeClaim({ namespace });
    assert.equal(claims.items.length, 1);
  });
});
