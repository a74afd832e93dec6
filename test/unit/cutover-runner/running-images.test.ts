import assert from "node:assert/strict";

import { runningImages } from "@mcp-fleet/cutover-runner/dist/running-images";
import { shownBy } from "@mcp-fleet/cutover-runner/dist/shown";
import type { Workload } from "@mcp-fleet/kube";

import { sendJson, type StubApi, stubApi } from "../../support/api-server";

const github = {
  metadata: {
    ...{ name: "llmctl-mcp-github", namespace: "llmctl" },
    annotations: { "mcp-fleet.dev/server": "github" },
  },
} as Workload;
const [first, second] = ["a", "b"].map((digit) => `ghcr.io/acme/github@sha256:${digit.repeat(64)}`);

/** A pod of that Deployment, as a kubelet reports it. */
function pod(name: string, imageID: string, more: { ready?: boolean; owner?: string } = {}) {
  const { ready = true, owner = "llmctl-mcp-github-5d8f" } = more;
  return {
    metadata: {
      ...{ name, namespace: "llmctl" },
      labels: { "pod-template-hash": "5d8f" },
      ownerReferences: [{ kind: "ReplicaSet", name: owner, controller: true }],
    },
    status: {
      phase: "Running",
      conditions: [{ type: "Ready", status: ready ? "True" : "False" }],
      containerStatuses: [{ name: "mcp-server", imageID }],
      initContainerStatuses: [{ name: "proxy", imageID: `docker-pullable://${second}` }],
    },
  };
}

describe("cutover-runner: the images that servers run", () => {
  let api: StubApi | undefined;
  afterEach(() => api?.die());

  const pods = async (status: number, items: object[]): Promise<StubApi> => {
    api = await stubApi((_request, response) => sendJson(response, status, { items }));
    return api;
  };

  it("are those of the ready pods, by the digest that a node pulled, in one request", async () => {
    const stub = await pods(200, [
      pod("one", `${first}`),
      pod("two", `docker-pullable://${first}`),
      pod("three", `${second}\u001b[2J`),
      pod("starting", "ghcr.io/acme/starting@sha256:cc", { ready: false }),
      pod("another's", "ghcr.io/acme/another@sha256:dd", { owner: "other-5d8f" }),
    ]);
    assert.deepEqual(await runningImages(await stub.kube(), [github]), {
      github: { "mcp-server": [first, `${second} [2J`], proxy: [second] },
    });
    assert.equal(stub.asked.length, 1);
    assert.match(stub.asked[0] ?? "", /^\/api\/v1\/namespaces\/llmctl\/pods\?labelSelector=/);
  });

  it("are left out of a run's record where pods may not be listed, and where nobody asks the cluster", async () => {
    const stub = await pods(403, []);
    const rolled = { kube: await stub.kube(), workloads: [github] };
    assert.deepEqual((await shownBy([], rolled)).images, {});
    assert.deepEqual((await shownBy([], undefined)).images, {});
  });
});
