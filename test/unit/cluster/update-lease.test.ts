import assert from "node:assert/strict";
import { text } from "node:stream/consumers";

import type { V1Lease } from "@kubernetes/client-node";
import { LaterError, type LeaseRequest, takeUpdateLease } from "@mcp-fleet/cluster";

import { sendJson, type StubApi, stubApi } from "../../support/api-server";

/** A namespace of pods (name -> uid and phase) and of one Lease that is written as the API server does. */
interface World {
  pods: Record<string, { uid: string; phase: string }>;
  lease?: V1Lease | undefined;
  /** Whether somebody else writes the Lease in between. */
  conflict?: boolean;
}

const request = (pod: string, more: Partial<LeaseRequest> = {}): LeaseRequest => ({
  ...{ stack: "acme/fleet/Prod_1", pod, inputs: "one", now: false },
  ...more,
});

describe("the Lease of an update in a pod", () => {
  let api: StubApi | undefined;
  let world: World;
  afterEach(() => api?.die());

  beforeEach(async () => {
    world = { pods: { a: { uid: "1", phase: "Running" }, b: { uid: "2", phase: "Running" } } };
    api = await stubApi((incoming, response, { pathname }) => {
      void text(incoming).then((body) => {
        const missing = (): void => sendJson(response, 404, { kind: "Status", code: 404 });
        const pod = /pods\/(.+)$/.exec(pathname)?.[1];
        if (pod !== undefined) {
          const found = world.pods[pod];
          if (found === undefined) return missing();
          const { uid, phase } = found;
          return sendJson(response, 200, { metadata: { name: pod, uid }, status: { phase } });
        }
        if (incoming.method === "GET" && world.lease === undefined) return missing();
        if (incoming.method === "GET") return sendJson(response, 200, world.lease ?? {});
        const sent = JSON.parse(body) as V1Lease;
        const now = world.lease?.metadata?.resourceVersion ?? "0";
        const stale = incoming.method === "PUT" && sent.metadata?.resourceVersion !== now;
        if (stale || world.conflict === true) return sendJson(response, 409, { code: 409 });
        const metadata = {
          ...sent.metadata,
          namespace: "n",
          resourceVersion: `${Number(now) + 1}`,
        };
        world.lease = { ...sent, metadata };
        sendJson(response, 200, world.lease);
      });
    });
  });

  const take = async (asked: LeaseRequest): ReturnType<typeof takeUpdateLease> => {
    assert.ok(api !== undefined);
    return takeUpdateLease(await api.kube(), asked);
  };
  const later = (message: RegExp) => (error: unknown) =>
    error instanceof LaterError && message.test(error.message);

  it("is one pod's at a time, and free again once it is given back", async () => {
    const first = await take(request("a"));
    assert.equal(world.lease?.metadata?.name, "mcp-fleet-acme-fleet-prod-1");
    await assert.rejects(
      take(request("b")),
      later(/is under way in pod n\/a, so nothing was done/),
    );
    await first.release(false);
    assert.deepEqual((await take(request("b"))).gone, []);
  });

  it("names every pod before that is gone and did not give it back", async () => {
    await take(request("a"));
    delete world.pods.a;
    await take(request("b"));
    // The same name with another UID is another pod, and one that ended runs no more.
    world.pods = { b: { uid: "9", phase: "Running" }, c: { uid: "3", phase: "Running" } };
    assert.deepEqual((await take(request("c"))).gone, ["a", "b"]);
    world.pods.c = { uid: "3", phase: "Failed" };
    world.pods.d = { uid: "4", phase: "Running" };
    assert.deepEqual((await take(request("d"))).gone, ["a", "b", "c"]);
  });

  it("goes to one of two that ask at once", async () => {
    world.conflict = true;
    world.lease = { metadata: { name: "mcp-fleet-acme-fleet-prod-1", resourceVersion: "5" } };
    await assert.rejects(take(request("a")), later(/at the same moment/));
  });

  it("puts off what failed, longer each time, unless something changed or somebody says now", async () => {
    await (await take(request("a"))).release(true);
    await assert.rejects(
      take(request("a")),
      later(/failed once, so the next attempt is not before/),
    );
    await (await take(request("a", { inputs: "other" }))).release(true);
    await (await take(request("a", { inputs: "other", now: true }))).release(true);
    await assert.rejects(
      take(request("a", { inputs: "other" })),
      later(/failed 2 times in a row.*\nMend what it said, or add --now\.$/s),
    );
    const kept = JSON.parse(world.lease?.metadata?.annotations?.["mcp-fleet.dev/update"] ?? "") as {
      failed: { at: string };
    };
    // Two failures: two minutes.
    kept.failed.at = new Date(Date.now() - 121_000).toISOString();
    Object.assign(world.lease?.metadata?.annotations ?? {}, {
      "mcp-fleet.dev/update": JSON.stringify(kept),
    });
    await (await take(request("a", { inputs: "other" }))).release(false);
    assert.doesNotMatch(JSON.stringify(world.lease), /failed/);
  });

  it("that somebody else wrote is refused, and never taken for free", async () => {
    const annotations = { "mcp-fleet.dev/update": "[".repeat(50) };
    const name = "mcp-fleet-acme-fleet-prod-1";
    world.lease = { metadata: { name, namespace: "n", resourceVersion: "1", annotations } };
    await assert.rejects(take(request("a")), /is not what mcp-fleet writes.*kubectl delete lease/s);
    annotations["mcp-fleet.dev/update"] = '{"holders":"everybody"}';
    await assert.rejects(take(request("a")), /is not what mcp-fleet writes/);
  });
});
