import assert from "node:assert/strict";

import type { V1Pod } from "@kubernetes/client-node";
import { timeLimit } from "@mcp-fleet/errors";
import { follow, type Kube, type Watched, watchedPods } from "@mcp-fleet/kube";

import { sendJson, type StubApi, stubApi } from "../../support/api-server";

const pod = { metadata: { name: "p", uid: "p", resourceVersion: "2" } };

describe("following objects while the API server has a bad time", () => {
  let api: StubApi;
  afterEach(() => api.die());

  const pods = (kube: Kube): Watched<V1Pod> =>
    watchedPods(kube, {
      metadata: { name: "w", namespace: "n" },
      spec: { selector: { matchLabels: { a: "b" } }, template: {} },
    });
  const present = (items: readonly V1Pod[]): true | undefined =>
    items.length > 0 ? true : undefined;

  for (const status of [429, 500, 503]) {
    it(`asks again after a list and a watch that end with ${status}`, async () => {
      const failed = new Set<string>();
      api = await stubApi((_request, response, { searchParams }) => {
        const kind = searchParams.get("watch") === "true" ? "watch" : "list";
        if (!failed.has(kind)) {
          failed.add(kind);
          return sendJson(response, status, { message: "later" });
        }
        if (kind === "watch") {
          response.writeHead(200, { "content-type": "application/json" });
          return response.write(`${JSON.stringify({ type: "ADDED", object: pod })}\n`);
        }
        sendJson(response, 200, { metadata: { resourceVersion: "1" }, items: null });
      });
      const kube = await api.kube();
      assert.equal(await follow(kube, pods(kube), present, { signal: timeLimit(20) }), true);
      assert.deepEqual([...failed], ["list", "watch"]);
    });
  }

  it("ends in time where a list has no answer", async () => {
    api = await stubApi(() => undefined);
    const kube = await api.kube();
    const began = Date.now();
    await assert.rejects(
      follow(kube, pods(kube), present, { signal: timeLimit(0.5) }),
      /aborted due to timeout/,
    );
    assert.ok(Date.now() - began < 5000);
  });

  it("gives up on a server that stays so for longer than it may", async () => {
    api = await stubApi((_request, response) => sendJson(response, 503, { message: "not yet" }));
    const kube = await api.kube();
    await assert.rejects(
      follow(kube, pods(kube), present, { signal: timeLimit(20), awaySeconds: 1 }),
      /HTTP 503/,
    );
  });
});
