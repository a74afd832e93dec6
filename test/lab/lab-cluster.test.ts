import { strict as assert } from "node:assert";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import type { KubeConfig } from "@kubernetes/client-node";
import {
  AppsV1Api,
  CoreV1Api,
  KubernetesObjectApi,
  type V1Pod,
  VersionApi,
} from "@kubernetes/client-node";

import { type Cluster, ensureCluster } from "../../lab/cluster";
import { kubernetesVersion } from "../../lab/cluster/binaries";
import { ensureImages } from "../../lab/images";
import { kubeConfigOf } from "../../lab/kube";
import { consoleLog } from "../../lab/log";
import { eventually } from "../support/eventually";

const namespace = `lab-check-${process.pid}`;
const name = "tryout";

/** Guarantees of the bare cluster that the lab relies on; they are not tested on kind and users' clusters. */
describe("the bare lab cluster", function () {
  this.timeout(120_000);
  let cluster: Cluster;
  let core: CoreV1Api;
  let config: KubeConfig;
  let service: string;

  before(async function () {
    this.timeout(45 * 60_000);
    cluster = await ensureCluster(consoleLog());
    if (cluster.engine !== "bare") {
      process.stdout.write(
        "    skipped: the cluster is not the bare one, which is what these tests are about\n",
      );
      this.skip();
    }
    config = kubeConfigOf(cluster);
    core = config.makeApiClient(CoreV1Api);
    const { tryout } = await ensureImages(cluster, consoleLog(), ["tryout"]);
    assert.equal(await cluster.hasImage(tryout), true);
    const objects = KubernetesObjectApi.makeApiClient(config);
    for (const manifest of manifests(tryout)) await objects.create(manifest);
    const apps = config.makeApiClient(AppsV1Api);
    await eventually("both pods are available", async () => {
      const { status } = await apps.readNamespacedDeployment({ name, namespace });
      return status?.availableReplicas === 2;
    });
    const made = await core.readNamespacedService({ name, namespace });
    service = `http://${made.spec?.clusterIP}`;
  });

  after(async () => {
    if (core !== undefined) await core.deleteNamespace({ name: namespace });
  });

  const ask = async (path: string): Promise<string> => {
    const response = await fetch(`${service}${path}`, { signal: AbortSignal.timeout(10_000) });
    const text = (await response.text()).trim();
    assert.equal(response.status, 200, text);
    return text;
  };

  it("reports the pinned Kubernetes version", async () => {
    const version = await config.makeApiClient(VersionApi).getCode();
    assert.equal(version.gitVersion, kubernetesVersion());
  });

  it("runs a pod under the restricted security standard, as its own user", async () => {
    await eventually("the Service's rules are in place", () => ask("/whoami"));
    assert.match(await ask("/whoami"), /^tryout-\S+ uid=65532$/);
  });

  it("refuses a pod that the standard forbids", async () => {
    const body: V1Pod = {
      metadata: { name: "unrestricted" },
      spec: { hostNetwork: true, containers: [{ name: "x", image: "x" }] },
    };
    await assert.rejects(core.createNamespacedPod({ namespace, body }), /violates PodSecurity/);
  });

  it("resolves Service names in a pod, and reaches them", async () => {
    const clusterIp = new URL(service).hostname;
    assert.equal(await ask(`/resolve?name=${name}`), `[${clusterIp}]`);
    assert.equal(
      await ask(`/resolve?name=${name}.${namespace}.svc.cluster.local`),
      `[${clusterIp}]`,
    );
    assert.match(await ask(`/get?url=http://${name}/whoami`), /^tryout-/);
  });

  it("lets a pod reach the machine at the node's address", async () => {
    const server = createServer((_request, response) => response.end("the machine"));
    await new Promise<void>((resolve) => server.listen(0, cluster.nodeIp, resolve));
    try {
      const { port } = server.address() as AddressInfo;
      assert.equal(await ask(`/get?url=http://${cluster.nodeIp}:${port}/`), "the machine");
    } finally {
      server.close();
    }
  });

  it("serves a pod's log", async () => {
    const [pod] = (await core.listNamespacedPod({ namespace })).items;
    const log = await core.readNamespacedPodLog({ name: pod?.metadata?.name ?? "", namespace });
    assert.match(log, /listening on 8080/);
  });
});

const manifests = (image: string) => [
  {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: namespace, labels: { "pod-security.kubernetes.io/enforce": "restricted" } },
  },
  {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          automountServiceAccountToken: false,
          securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
          containers: [
            {
              name,
              image,
              imagePullPolicy: "IfNotPresent",
              readinessProbe: { httpGet: { path: "/whoami", port: 8080 }, periodSeconds: 1 },
              resources: { limits: { memory: "64Mi" } },
              securityContext: {
                runAsUser: 65532,
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
                capabilities: { drop: ["ALL"] },
              },
            },
          ],
        },
      },
    },
  },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace },
    spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }] },
  },
];
