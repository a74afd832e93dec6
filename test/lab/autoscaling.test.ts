import assert from "node:assert/strict";

import { AutoscalingV2Api } from "@kubernetes/client-node";

import { kubeConfigOf } from "../../lab/kube";
import { consoleLog } from "../../lab/log";
import { eventually } from "../support/eventually";
import { closeExample, type Example, onCluster } from "../support/example";
import { SurroundedExamples } from "../support/examples";

/** Clients that ask at the same time. */
const clients = 8;
const name = "mcp-server";

const initialize = JSON.stringify({
  ...{ jsonrpc: "2.0", id: 1, method: "initialize" },
  params: {
    protocolVersion: "2025-06-18",
    capabilities: {},
    clientInfo: { name: "load", version: "1" },
  },
});

describe("the todo example in production, scaled by what its pods use", function () {
  this.timeout(8 * 60_000);
  let examples: SurroundedExamples;
  let todo: Example;
  let namespace: string;
  let autoscalers: AutoscalingV2Api;

  before(async function () {
    this.timeout(60 * 60_000);
    examples = await SurroundedExamples.open(consoleLog());
    if (examples.cluster.engine !== "bare") {
      process.stdout.write("    skipped: a cluster of another kind has no metrics server\n");
      this.skip();
    }
    namespace = examples.namespaces.todo;
    const config = kubeConfigOf(examples.cluster);
    autoscalers = config.makeApiClient(AutoscalingV2Api);
    todo = examples.openTodo("prod");
    await todo.run("up");
  });

  after(async () => {
    if (todo !== undefined) closeExample(todo);
    await examples?.remove();
  });

  const replicas = async (): Promise<number | undefined> => {
    const { spec } = await examples.kube.apps.readNamespacedDeployment({ namespace, name });
    return spec?.replicas;
  };

  it("is seen by kubectl top", async () => {
    await eventually(
      "kubectl top knows the server's pods",
      async () => /mcp-server-\S+ +\d+m +\d+Mi/.test(await top("pods", "-n", namespace)),
      90,
    );
    assert.match(await top("nodes"), /mcp-fleet-lab +\d+m/);
  });

  const top = (...what: string[]): Promise<string> =>
    onCluster(examples.cluster, "top", ...what).catch((error: unknown) => String(error));

  it("goes to one pod when nobody asks, to three under load, and back", async () => {
    const isAt = (count: number): Promise<void> =>
      eventually(`there are ${count} replicas`, async () => (await replicas()) === count, 150);
    await isAt(1);
    const { spec } = await examples.kube.core.readNamespacedService({ namespace, name });
    const load = new AbortController();
    const asking = Array.from({ length: clients }, () =>
      ask(`http://${spec?.clusterIP}:8001/mcp`, load.signal),
    );
    try {
      await isAt(3);
    } finally {
      load.abort();
      await Promise.all(asking);
    }
    const { status } = await autoscalers.readNamespacedHorizontalPodAutoscaler({ namespace, name });
    assert.equal(status?.conditions?.find(({ type }) => type === "ScalingActive")?.status, "True");
    await isAt(1);
  });

  async function ask(url: string, signal: AbortSignal): Promise<void> {
    const headers = {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
    };
    while (!signal.aborted) {
      await fetch(url, { method: "POST", headers, body: initialize, signal })
        .then((response) => response.text())
        .catch(() => undefined);
    }
  }
});
