import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { connect } from "node:net";

import { type CutoverInputs, probeServers } from "@mcp-fleet/cutover-runner";
import { waitForRollout } from "@mcp-fleet/cutover-runner/dist/rollout";
import { isUserError } from "@mcp-fleet/errors";
import { connectKube, ifThere, type Kube, openPortForward } from "@mcp-fleet/kube";
import { probe } from "@mcp-fleet/mcp-probe";

import { ensureCluster } from "../../lab/cluster";
import { ensureImages } from "../../lab/images";
import { silentLog } from "../../lab/log";

const namespace = `probe-test-${randomUUID().slice(0, 8)}`;
const server = { "app.kubernetes.io/name": "everything" };
/** The labels that the NetworkPolicy and the Services select. */
const consumer = { "app.kubernetes.io/name": "studio" };

/** How messages of a port-forward call what is behind it. */
const subject = { subject: "the server", setting: "this test" };

const restricted = {
  runAsNonRoot: true,
  runAsUser: 65532,
  seccompProfile: { type: "RuntimeDefault" },
};
const contained = { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } };

describe("cluster: the probe Job, the port-forward and the rollout", function () {
  this.timeout(180_000);
  let kube: Kube;
  let kubernetes: CutoverInputs["kubernetes"];
  let credentials: { kubeconfig: string };
  let probeImage: string;
  let serverImage: string;

  const inputs = (
    overrides: Partial<Parameters<typeof probeServers>[0]> = {},
  ): Parameters<typeof probeServers>[0] => ({
    spec: { name: namespace },
    targets: [
      { name: "everything", url: `http://everything.${namespace}.svc.cluster.local:9020/mcp` },
    ],
    probe: {
      from: "cluster",
      namespace,
      image: probeImage,
      consumers: [{ name: "web", labels: consumer }],
      deadlineSeconds: 20,
    },
    kubernetes,
    ...overrides,
  });

  const leftJobs = async (): Promise<string[]> => {
    const jobs = await kube.batch.listNamespacedJob({ namespace });
    return jobs.items
      .filter(({ metadata }) => metadata?.deletionTimestamp === undefined)
      .map(({ metadata }) => metadata?.name ?? "");
  };

  before(async function () {
    this.timeout(30 * 60_000); // the first run of all builds the cluster and the images
    const cluster = await ensureCluster(silentLog);
    const images = await ensureImages(cluster, silentLog);
    probeImage = images.probe;
    serverImage = images["llmctl-mcp"];
    kubernetes = { context: cluster.context };
    credentials = { kubeconfig: cluster.kubeconfig };
    kube = await connectKube(kubernetes, credentials);
    const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
    await kube.core.createNamespace({ body: { metadata: { name: namespace, labels } } });
    await deployServer(kube, serverImage);
    await waitForRollout(kube, {
      generation: 1,
      workloads: [{ namespace, deployment: "everything" }],
      deadlineSeconds: 120,
    });
  });

  after(async () => {
    await kube?.core.deleteNamespace({ name: namespace });
  });

  it("asks a server from a pod with the consumer's labels and leaves nothing behind", async () => {
    const started = Date.now();
    const executor = { name: "executor", labels: { "llmctl.executor": "true" } };
    const consumers = [...inputs().probe.consumers, executor];
    const results = await probeServers(
      inputs({ probe: { ...inputs().probe, consumers } }),
      credentials,
    );
    assert.deepEqual(
      results.map(({ consumer: name, results: servers }) => [name, servers[0]?.ok]),
      [
        ["web", true],
        ["executor", true],
      ],
    );
    const [result] = results;
    assert.equal(result?.results[0]?.ok, true, result?.results[0]?.message);
    assert.ok((result?.results[0]?.tools?.length ?? 0) > 5);
    assert.match(result?.job ?? "", /^mcp-probe-web-[0-9a-f]{8}$/);
    assert.ok(Date.parse(result?.startedAt ?? "") >= started - 2000);
    assert.ok(Date.parse(result?.completedAt ?? "") >= Date.parse(result?.startedAt ?? ""));
    assert.deepEqual(await leftJobs(), []);
  });

  it("never lets the Service of those labels send requests to the probe's pod", async () => {
    const metadata = { name: "studio", namespace };
    await kube.core.createNamespacedService({
      namespace,
      body: { metadata, spec: { selector: consumer, ports: [{ port: 80, targetPort: 8080 }] } },
    });
    // A name that never resolves keeps the pod running for the whole deadline.
    const targets = [{ name: "silent", url: `http://absent.${namespace}.svc.cluster.local/mcp` }];
    const probing = assert.rejects(() =>
      probeServers(
        inputs({ targets, probe: { ...inputs().probe, deadlineSeconds: 8 } }),
        credentials,
      ),
    );
    let runningLooks = 0;
    let over = false;
    void probing.finally(() => (over = true)).catch(() => undefined);
    const labelSelector = "app.kubernetes.io/name=studio";
    while (!over) {
      const pods = await kube.core.listNamespacedPod({ namespace, labelSelector });
      const running = pods.items.some(({ status }) => status?.phase === "Running");
      // The Service's own controller makes them a moment after the Service.
      const endpoints = await ifThere(
        kube.core.readNamespacedEndpoints({ namespace, name: "studio" }),
      );
      const ready = (endpoints?.subsets ?? []).flatMap(({ addresses }) => addresses ?? []);
      assert.deepEqual(ready, []);
      if (running) runningLooks += 1;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    await probing;
    assert.ok(runningLooks >= 5, `saw the pod run ${runningLooks} times`);
  });

  it("names the servers that fail, keeps the Job for a look, and clears it on the next run (S22)", async () => {
    const targets = [
      ...inputs().targets,
      {
        name: "absent",
        url: `http://absent.${namespace}.svc.cluster.local:8000/mcp`,
        headers: { "X-Key": "s3cret" },
      },
    ];
    const brief = { ...inputs().probe, deadlineSeconds: 4 };
    await assert.rejects(
      () => probeServers(inputs({ targets, probe: brief }), credentials),
      (error) => {
        assert.ok(isUserError(error), String(error));
        assert.match(
          error.problem,
          /^1 of 2 MCP servers did not pass the probe, so rows and application are untouched\. absent: .*does not resolve from here/,
        );
        assert.match(error.fix, new RegExp(`kubectl -n ${namespace} logs job/mcp-probe-web-`));
        assert.ok(!error.message.includes("s3cret"));
        return true;
      },
    );
    const secrets = await kube.core.listNamespacedSecret({ namespace });
    assert.deepEqual(
      secrets.items.map(({ metadata }) => metadata?.name),
      [],
    );
    assert.equal((await leftJobs()).length, 1);
    await probeServers(inputs(), credentials);
    assert.deepEqual(await leftJobs(), []);
  });

  it("sends headers from a Secret", async () => {
    const [target] = inputs().targets;
    assert.ok(target);
    const targets = [{ ...target, headers: { "X-Key": "s3cret" } }];
    const [result] = await probeServers(inputs({ targets }), credentials);
    assert.equal(result?.results[0]?.ok, true);
  });

  it("says that the image cannot be pulled", async () => {
    const image = "mcp-fleet.invalid/no-such-image:1";
    await assert.rejects(
      () => probeServers(inputs({ probe: { ...inputs().probe, image } }), credentials),
      (error) =>
        isUserError(error) &&
        /cannot pull its image mcp-fleet\.invalid\/no-such-image:1/.test(error.problem),
    );
  });

  it("says that the consumer's service account does not exist", async () => {
    const consumers = [{ name: "web", labels: consumer, serviceAccount: "nobody" }];
    await assert.rejects(
      () => probeServers(inputs({ probe: { ...inputs().probe, consumers } }), credentials),
      (error) =>
        isUserError(error) &&
        /from a pod with the labels of "web".*serviceaccount "nobody" not found/.test(
          error.problem,
        ),
    );
  });

  it("carries a connection through the Kubernetes API", async () => {
    const forward = await openPortForward(
      kube,
      { namespace, service: "everything", port: 9020 },
      subject,
    );
    try {
      const result = await probe(
        { name: "forwarded", url: `http://127.0.0.1:${forward.port}/mcp` },
        { deadlineSeconds: 10 },
      );
      assert.equal(result.ok, true, result.message);
      assert.equal(forward.failure(), undefined);
    } finally {
      await forward.close();
    }
    const labelSelector = "app.kubernetes.io/name=everything";
    const [pod] = (await kube.core.listNamespacedPod({ namespace, labelSelector })).items;
    const closed = await openPortForward(
      kube,
      { namespace, pod: pod?.metadata?.name ?? "", port: 9021 },
      subject,
    );
    try {
      const target = { name: "closed", url: `http://127.0.0.1:${closed.port}/mcp` };
      assert.equal((await probe(target, { deadlineSeconds: 2 })).ok, false);
      assert.match(
        closed.failure()?.problem ?? "",
        /^The port-forward to port 9021 of pod .* failed: .*failed to connect/,
      );
    } finally {
      await closed.close();
    }
    await assert.rejects(
      () => openPortForward(kube, { namespace, service: "everything", port: 1 }, subject),
      /Service .*\/everything has no port 1; it has 9020\./,
    );
  });

  it("carries much data both ways, on several connections at once", async () => {
    const script = 'require("net").createServer((s) => s.pipe(s)).listen(7000)';
    await kube.core.createNamespacedPod({
      namespace,
      body: {
        metadata: { name: "echo", namespace },
        spec: {
          terminationGracePeriodSeconds: 0,
          securityContext: restricted,
          containers: [
            {
              name: "echo",
              image: probeImage,
              command: ["node", "-e", script],
              readinessProbe: { tcpSocket: { port: 7000 }, periodSeconds: 1 },
              securityContext: contained,
            },
          ],
        },
      },
    });
    const forward = await eventually(() =>
      openPortForward(kube, { namespace, pod: "echo", port: 7000 }, subject),
    );
    try {
      const sent = randomBytes(4 * 1024 * 1024);
      const echoed = await Promise.all([1, 2, 3].map(() => echo(forward.port, sent)));
      assert.ok(echoed.every((received) => received.equals(sent)));
    } finally {
      await forward.close();
    }
  });

  it("waits until no pod of the old generation is left, and names those that remain", async () => {
    const workloads = [{ namespace, deployment: "everything" }];
    await assert.rejects(
      () => waitForRollout(kube, { generation: 2, workloads, deadlineSeconds: 5 }),
      /has generation 1 where generation 2 is wanted/,
    );
    const deployment = await kube.apps.readNamespacedDeployment({ namespace, name: "everything" });
    const template = deployment.spec?.template;
    assert.ok(template?.metadata && template.spec);
    template.metadata.labels = { ...server, "mcp-fleet.dev/generation": "2" };
    await kube.apps.replaceNamespacedDeployment({
      namespace,
      name: "everything",
      body: deployment,
    });
    await assert.rejects(
      () => waitForRollout(kube, { generation: 2, workloads, deadlineSeconds: 1.5 }),
      /rollout to generation 2 has not ended within 1\.5 seconds.*everything/,
    );
    await waitForRollout(kube, { generation: 2, workloads, deadlineSeconds: 90 });
    const pods = await kube.core.listNamespacedPod({
      namespace,
      labelSelector: "app.kubernetes.io/name=everything",
    });
    // A pod whose process has ended is listed for a moment longer.
    const running = pods.items.filter(({ status }) => status?.phase !== "Succeeded");
    assert.deepEqual(
      running.map(({ metadata }) => metadata?.labels?.["mcp-fleet.dev/generation"]),
      ["2"],
    );
  });
});

/** Sends bytes and returns as many as came back. */
async function echo(port: number, sent: Buffer): Promise<Buffer> {
  const socket = connect(port, "127.0.0.1");
  const chunks: Buffer[] = [];
  let length = 0;
  socket.write(sent);
  for await (const chunk of socket) {
    chunks.push(chunk as Buffer);
    length += (chunk as Buffer).length;
    if (length >= sent.length) break;
  }
  return Buffer.concat(chunks);
}

/** Tries until it works, for half a minute. */
async function eventually<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (attempt === 60) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

/** A real MCP server behind a Service, which needs a few seconds to stop. */
async function deployServer(kube: Kube, image: string): Promise<void> {
  await kube.core.createNamespacedService({
    namespace,
    body: {
      metadata: { name: "everything", namespace },
      spec: { selector: server, ports: [{ port: 9020, targetPort: "mcp" }] },
    },
  });
  await kube.apps.createNamespacedDeployment({
    namespace,
    body: {
      metadata: { name: "everything", namespace },
      spec: {
        selector: { matchLabels: server },
        template: {
          metadata: { labels: { ...server, "mcp-fleet.dev/generation": "1" } },
          spec: {
            terminationGracePeriodSeconds: 5,
            securityContext: restricted,
            containers: [
              {
                name: "server",
                image,
                ports: [{ name: "mcp", containerPort: 9020 }],
                readinessProbe: { tcpSocket: { port: "mcp" }, periodSeconds: 1 },
                securityContext: contained,
              },
            ],
          },
        },
      },
    },
  });
}
