import assert from "node:assert/strict";

import { serversRolling } from "@mcp-fleet/cutover-runner";

import { sendJson, type StubApi, stubApi } from "../../support/api-server";

/** An API server with the StatefulSet `memory-mcp` of two pods, of which `ready` are on the newest template. */
async function cluster(ready: number): Promise<StubApi> {
  return stubApi((_request, response, { pathname }) => {
    if (pathname.endsWith("/statefulsets/memory-mcp"))
      return sendJson(response, 200, {
        ...{ apiVersion: "apps/v1", kind: "StatefulSet" },
        metadata: { name: "memory-mcp", namespace: "tools", generation: 2 },
        spec: { replicas: 2, selector: { matchLabels: { app: "memory" } }, template: {} },
        status: {
          ...{ observedGeneration: 2, replicas: ready, readyReplicas: ready },
          ...{ availableReplicas: ready, updatedReplicas: ready },
        },
      });
    if (/\/(pods|events)$/.test(pathname)) return sendJson(response, 200, { items: [] });
    sendJson(response, 404, { message: "not found" });
  });
}

describe("cutover-runner: the rollout of a server that keeps data", () => {
  let api: StubApi | undefined;
  afterEach(() => api?.die());

  const of = { namespace: "tools", rolloutSeconds: 60 };
  const now = { ...of, statefulSet: "memory-mcp", generation: 2 };
  const rolling = async (
    ready: number,
    before: Parameters<typeof serversRolling>[1],
    more: Partial<Parameters<typeof serversRolling>[0]> = {},
  ) => {
    api = await cluster(ready);
    const inputs: Parameters<typeof serversRolling>[0] = {
      ...{ target: "in-cluster", servers: [now], kubernetes: {} },
      probe: { from: "cluster", namespace: "tools", consumers: [], deadlineSeconds: 1 },
      ...more,
    };
    const is = await serversRolling(inputs, before, {
      ...{ databaseUrl: "", kubeconfig: api.kubeconfig },
    });
    return [is, api.asked.map((path) => path.replace(/^.*\/|\?.*$/g, ""))];
  };

  it("is looked at by its kind, and says why it makes no pod where it lacks one", async () => {
    assert.deepEqual(await rolling(2, []), [false, ["memory-mcp"]]);
    const [is, asked] = await rolling(1, []);
    assert.equal(is, true);
    assert.deepEqual([...(asked as string[])].sort(), ["events", "memory-mcp", "pods"]);
  });

  it("is asked for after a change alone, and one is that it was a Deployment", async () => {
    assert.deepEqual(await rolling(1, [now]), [false, []]);
    assert.equal((await rolling(1, [{ ...now, generation: 1 }]))[0], true);
    const deployment = { ...of, deployment: "memory-mcp", generation: 2 };
    assert.equal((await rolling(1, [deployment]))[0], true);
  });

  it("makes a run under a tools lock once it is over, too: the new image may list something else", async () => {
    const lock = { toolsLock: "l1" };
    assert.deepEqual(await rolling(2, [{ ...now, generation: 1 }], lock), [true, []]);
    assert.deepEqual(await rolling(2, [now], lock), [false, []]);
    const back = { ...lock, target: "embedded" } as const;
    assert.deepEqual(await rolling(2, [{ ...now, generation: 1 }], back), [false, []]);
  });
});
