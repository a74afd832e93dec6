import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { CustomObjectsApi, type V1Pod } from "@kubernetes/client-node";
import type { PulumiStack } from "@mcp-fleet/engine";
import { observerMetrics } from "@mcp-fleet/metrics";
import type { StackConfig } from "@mcp-fleet/operations";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

import { type Cluster, ensureCluster } from "../../lab/cluster";
import { ensureImages } from "../../lab/images";
import { type Kube, kubeConfigOf, openKube } from "../../lab/kube";
import { consoleLog } from "../../lab/log";
import { eventually } from "../support/eventually";
import { labStack, plainConfig } from "../support/lab-stack";
import { prometheusTools, startPrometheus } from "../support/prometheus";
import { usedSelectors } from "../support/promql";
import { hostVolume } from "../support/volume";

const namespace = `mesh-${randomBytes(3).toString("hex")}`;
const observer = "mcp-mesh-observer";

/**
 * The real registry and real agents of MCP Mesh, deployed by the program, observed by the observer and a real
 * Prometheus.
 */
describe("a mesh in the lab", function () {
  this.timeout(120_000);
  let cluster: Cluster;
  let kube: Kube;
  let objects: CustomObjectsApi;
  let directory: string;
  let volume: string;
  let images: Record<string, string>;

  before(async function () {
    this.timeout(600_000);
    cluster = await ensureCluster(consoleLog());
    if (cluster.engine !== "bare") {
      process.stdout.write(
        "    skipped: the volume of the registry is a directory of this machine\n",
      );
      this.skip();
    }
    kube = await openKube(cluster);
    const config = kubeConfigOf(cluster);
    objects = config.makeApiClient(CustomObjectsApi);
    const names = ["observer", "mesh-registry", "mesh-agents", "llmctl-mcp"] as const;
    images = await ensureImages(cluster, consoleLog(), names);
    directory = mkdtempSync(join(tmpdir(), "mcp-fleet-mesh-"));
    chmodSync(directory, 0o755);
    volume = mkdtempSync(join(directory, "volume-"));
    chmodSync(volume, 0o777);
    await kube.apply([hostVolume(namespace, volume)]);
  });

  after(async function () {
    this.timeout(180_000);
    if (kube === undefined) return;
    await program("destroy").catch((error: unknown) => process.stdout.write(`${String(error)}\n`));
    await kube.core.deleteNamespace({ name: namespace }).catch(() => undefined);
    await kube.core.deletePersistentVolume({ name: namespace }).catch(() => undefined);
    rmSync(directory, { recursive: true, force: true });
  });

  let stack: Promise<PulumiStack> | undefined;
  const program = async (operation: "up" | "destroy"): Promise<unknown> => {
    stack ??= labStack(namespace, cluster.kubeconfig, stackConfig(cluster, images));
    return (await stack)[operation]({ timeoutSeconds: 150 });
  };

  const pods = async (name: string): Promise<V1Pod[]> =>
    (
      await kube.core.listNamespacedPod({
        namespace,
        labelSelector: `app.kubernetes.io/name=${name}`,
      })
    ).items;

  const address = async (name: string): Promise<string> => {
    const { spec } = await kube.core.readNamespacedService({ name, namespace });
    return `http://${spec?.clusterIP}:${spec?.ports?.[0]?.port}`;
  };

  const phases = async (): Promise<Record<string, string | undefined>> => {
    const api = { group: "mesh.mcp.io", version: "v1", plural: "mcpagents", namespace };
    const { items } = (await objects.listNamespacedCustomObject(api)) as {
      items: { metadata: { name: string }; status?: { phase: string } }[];
    };
    return Object.fromEntries(items.map((one) => [one.metadata.name, one.status?.phase]));
  };

  const metric = async (line: string): Promise<boolean> => {
    const text = await (await fetch(`${await address(observer)}/metrics`)).text();
    return text.split("\n").includes(line);
  };

  const greeting = async (): Promise<string> => {
    const client = new Client({ name: "test", version: "1.0.0" });
    const url = new URL(`${await address("caller")}/mcp`);
    await client.connect(new StreamableHTTPClientTransport(url));
    try {
      const result = await client.callTool({ name: "call", arguments: { name: "lab" } });
      return JSON.stringify(result.content);
    } finally {
      await client.close();
    }
  };

  it("comes up in order: no agent is made before the registry is ready", async function () {
    this.timeout(200_000);
    await program("up");
    const [registry] = await pods("mcp-registry");
    const ready = registry?.status?.conditions?.find((one) => one.type === "Ready");
    const made = [...(await pods("greeter")), ...(await pods("caller"))];
    assert.equal(made.length, 2);
    for (const pod of made) {
      const at = Number(pod.metadata?.creationTimestamp);
      assert.ok(at >= Number(ready?.lastTransitionTime), `${pod.metadata?.name} came too early`);
    }
  });

  it("shows every declared agent as Healthy, and one calls the other through the mesh", async () => {
    await eventually("both agents are Healthy", async () =>
      same(await phases(), { caller: "Healthy", greeter: "Healthy" }),
    );
    await eventually("the caller reaches the greeter", async () =>
      (await greeting()).includes("Hello, lab, from the mesh"),
    );
    assert.equal(await metric('mcp_mesh_agent_available{agent="greeter"} 1'), true);
  });

  it("sees an agent that is killed as Lost, its callers as without it, and both when it is back", async () => {
    const scale = (replicas: number): Promise<unknown> =>
      kube.apps.replaceNamespacedDeploymentScale({
        name: "greeter",
        namespace,
        body: { metadata: { name: "greeter", namespace }, spec: { replicas } },
      });
    await scale(0);
    for (const pod of await pods("greeter")) {
      const name = pod.metadata?.name ?? "";
      await kube.core.deleteNamespacedPod({ name, namespace, gracePeriodSeconds: 0 });
    }
    await eventually("the greeter is Lost", async () => (await phases()).greeter === "Lost");
    await eventually("the caller's dependency is unresolved", () =>
      metric('mcp_mesh_agent_dependencies_unresolved{agent="caller"} 1'),
    );
    assert.equal(await metric('mcp_mesh_agent_available{agent="greeter"} 0'), true);
    await scale(1);
    await eventually("the greeter is Healthy again", async () =>
      same(await phases(), { caller: "Healthy", greeter: "Healthy" }),
    );
    await eventually("the caller reaches it again", async () =>
      (await greeting()).includes("Hello, lab"),
    );
  });

  it("keeps what the registry knows when its pod is replaced", async () => {
    const known = async (): Promise<string[]> => {
      const response = await fetch(`${await address("mcp-registry")}/agents`);
      const { agents } = (await response.json()) as {
        agents: { id: string; created_at: string }[] | null;
      };
      return (agents ?? []).map((one) => `${one.id} ${one.created_at}`).sort();
    };
    const before = await known();
    const [pod] = await pods("mcp-registry");
    await kube.core.deleteNamespacedPod({ name: pod?.metadata?.name ?? "", namespace });
    await eventually("another pod serves", async () => {
      const [next] = await pods("mcp-registry");
      if (next === undefined || next.metadata?.uid === pod?.metadata?.uid) return false;
      return next.status?.conditions?.some((one) => one.type === "Ready" && one.status === "True");
    });
    let after: string[] = [];
    // A pod is ready a moment before its Service leads to it.
    await eventually("the Service leads to it", async () => {
      after = await known();
      return true;
    });
    assert.ok(before.length >= 2 && before.every((one) => after.includes(one)), String(after));
  });

  it("gives Prometheus every series of the observer that an alert or a panel asks for", async function () {
    const tools = await prometheusTools();
    if (typeof tools === "string") {
      process.stdout.write(`    skipped: ${tools}\n`);
      this.skip();
    }
    await kube.apply([generationPod(images.observer ?? "")]);
    await eventually("the application's generation is seen", () =>
      metric('mcp_application_generation{application="mcp-mesh"} 3'),
    );
    const prometheus = await startPrometheus(tools, directory, [
      { job: "observer", url: await address(observer), namespace },
    ]);
    const own = new Set<string>(Object.values(observerMetrics).map(({ name }) => name));
    const used = usedSelectors({ server: "llmctl-mcp" }).filter(({ metric }) => own.has(metric));
    try {
      await eventually("Prometheus has a series for each", async () => {
        assert.deepEqual(await prometheus.without(used), []);
        return true;
      });
      assert.deepEqual(await prometheus.alerts(), []);
    } finally {
      await prometheus.stop();
    }
  });
});

function stackConfig(cluster: Cluster, images: Record<string, string>): StackConfig {
  const agent = (name: string): Record<string, unknown> => ({
    image: images["mesh-agents"],
    args: [`/app/${name}.py`],
    startSeconds: 120,
  });
  return plainConfig({
    "kubernetes:kubeconfig": cluster.kubeconfig,
    "kubernetes:context": cluster.context,
    ...{ application: "mcp-mesh", namespace },
    ...{ cutover: { enabled: false }, studio: { enabled: false } },
    servers: { "llmctl-mcp": { image: images["llmctl-mcp"] } },
    mesh: {
      registry: {
        image: images["mesh-registry"],
        storage: { sqlite: { size: "64Mi", storageClass: namespace } },
        healthCheckSeconds: 2,
        agentTimeoutSeconds: 12,
      },
      agents: {
        greeter: { ...agent("greeter"), capabilities: [{ name: "greeting", tags: ["hello"] }] },
        caller: { ...agent("caller"), dependencies: ["greeting"], advertise: "pod" },
      },
    },
    observability: {
      enabled: true,
      prometheusOperator: false,
      scrapers: { "kubernetes.io/metadata.name": "monitoring" },
      // The API server is the lab's only endpoint with TLS.
      observer: { image: images.observer, certificates: ["kubernetes.default.svc:443"] },
    },
  });
}

/** Replaces the application's pod, which this stack does not have: the observer reads its label. */
const generationPod = (image: string): V1Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name: "application",
    namespace,
    labels: { "app.kubernetes.io/part-of": "mcp-mesh", "mcp-fleet.dev/generation": "3" },
  },
  spec: {
    automountServiceAccountToken: false,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 65532,
      seccompProfile: { type: "RuntimeDefault" },
    },
    containers: [
      {
        name: "sleep",
        image,
        command: ["sleep", "600"],
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
      },
    ],
  },
});

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
