import assert from "node:assert/strict";
import { text } from "node:stream/consumers";

import type { V1Lease } from "@kubernetes/client-node";
import { LaterError, type LeaseRequest, type OwnPod, takeUpdateLease } from "@mcp-fleet/cluster";
import { leaseName } from "@mcp-fleet/cluster/dist/lease-record";
import { isUserError } from "@mcp-fleet/errors";

import { sendJson, type StubApi, stubApi } from "../../support/api-server";

/** A namespace with pods (name to uid and phase) and one Lease, with the API server's rules for writes. */
interface World {
  pods: Record<string, { uid: string; phase: string }>;
  lease?: V1Lease | undefined;
  /** Whether another client writes the Lease in between. */
  conflict?: boolean;
}

const stack = "acme/fleet/Prod_1";
const name = leaseName(stack);
const annotation = "mcp-fleet.dev/update";

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

  const request = (pod: string, more: Partial<LeaseRequest & OwnPod> = {}): LeaseRequest => {
    const { container = `containerd://${pod}`, inputs = "one", now = false } = more;
    const uid = world.pods[pod]?.uid ?? "";
    return { stack, pod: { name: pod, uid, container, images: [] }, inputs, now };
  };
  const take = async (asked: LeaseRequest): ReturnType<typeof takeUpdateLease> => {
    assert.ok(api !== undefined);
    return takeUpdateLease(await api.kube(), asked);
  };
  const keep = (record: unknown): void => {
    const annotations = {
      [annotation]: typeof record === "string" ? record : JSON.stringify(record),
    };
    world.lease = { metadata: { name, namespace: "n", resourceVersion: "1", annotations } };
  };
  const kept = (): { holders: { pod: string; ended?: boolean }[]; failed?: { at: string } } =>
    JSON.parse(world.lease?.metadata?.annotations?.[annotation] ?? "null") as ReturnType<
      typeof kept
    >;
  const later = (message: RegExp) => (error: unknown) =>
    error instanceof LaterError && message.test(error.message);

  it("is one pod's at a time, and free again once it is given back", async () => {
    const first = await take(request("a"));
    assert.equal(world.lease?.metadata?.name, name);
    await assert.rejects(
      take(request("b")),
      later(/is under way in pod n\/a, so nothing was done/),
    );
    await first.release("done");
    assert.deepEqual((await take(request("b"))).gone, []);
  });

  it("names every pod before that is gone and did not give it back", async () => {
    await take(request("a"));
    delete world.pods.a;
    await take(request("b"));
    world.pods = { c: { uid: "3", phase: "Running" } };
    assert.deepEqual((await take(request("c"))).gone, ["a", "b"]);
    world.pods.c = { uid: "3", phase: "Failed" };
    world.pods.d = { uid: "4", phase: "Running" };
    assert.deepEqual((await take(request("d"))).gone, ["a", "b", "c"]);
  });

  it("does not name one whose name a running pod has: a lock says the host's name only", async () => {
    await take(request("a"));
    world.pods.a = { uid: "9", phase: "Running" };
    assert.deepEqual((await take(request("b"))).gone, []);
    assert.deepEqual(
      kept().holders.map(({ pod }) => pod),
      ["a", "b"],
    );
  });

  it("names this pod's own name after its container was restarted, and after a pod of that name", async () => {
    await take(request("a", { container: "containerd://first" }));
    const second = await take(request("a", { container: "containerd://second" }));
    assert.deepEqual(second.gone, ["a"]);
    world.pods.a = { uid: "9", phase: "Running" };
    assert.deepEqual((await take(request("a"))).gone, ["a"]);
  });

  it("is refused to a second process of the pod, which is never taken for a gone one", async () => {
    const first = await take(request("a"));
    const refused = later(/Another process of this pod.*kubectl delete pod -n n a$/s);
    await assert.rejects(take(request("a")), refused);
    const { container: _unknown, ...pod } = request("a").pod;
    await assert.rejects(take({ ...request("a"), pod }), refused);
    await first.release("stopped");
    await take(request("a"));
  });

  it("keeps the pods before while their locks may be there, and forgets them once an update is done", async () => {
    await take(request("a"));
    delete world.pods.a;
    await (await take(request("b"))).release("locked");
    assert.deepEqual(
      kept().holders.map(({ pod }) => pod),
      ["a"],
    );
    const after = await take(request("b"));
    assert.deepEqual(after.gone, ["a"]);
    // Whatever ended it may have left the engine's lock, so nothing waits for it.
    await after.release("failed");
    world.pods.c = { uid: "3", phase: "Running" };
    const other = await take(request("c", { inputs: "other" }));
    assert.deepEqual(other.gone, ["a"]);
    delete world.pods.b;
    await other.release("stopped");
    const last = await take(request("c", { inputs: "other" }));
    assert.deepEqual(last.gone, ["a", "b", "c"]);
    await last.release("done");
    assert.deepEqual(kept(), { holders: [] });
  });

  it("keeps fifty pods at most, those that were killed before those that ended", async () => {
    const holders = Array.from({ length: 60 }, (_, i) => ({
      ...{ pod: `p${i}`, uid: "7" },
      ...(i % 2 === 0 ? { ended: true } : {}),
    }));
    keep({ holders });
    await take(request("a"));
    const pods = kept().holders;
    assert.equal(pods.length, 50);
    assert.equal(pods.filter(({ ended }) => ended !== true).length, 31);
    assert.equal(pods.at(-1)?.pod, "a");
    // And reads them again, with names of the maximum length.
    const long = Array.from({ length: 50 }, (_, i) => ({
      ...{ pod: `p${i}-`.padEnd(253, "x"), uid: "u".repeat(64), container: "c".repeat(128) },
      ended: true,
    }));
    keep({ holders: long });
    assert.equal((await take(request("a"))).gone.length, 50);
  });

  it("has a name that no other stack's Lease has", () => {
    const stacks = [
      ...["acme/fleet/prod", "acme/fleet/Prod", "acme-fleet-prod", "acme/fleet.prod", "prod"],
      ...[
        "organization/fleet/prod",
        `acme/fleet/${"x".repeat(300)}`,
        `acme/fleet/${"x".repeat(301)}`,
      ],
    ];
    const names = stacks.map(leaseName);
    assert.equal(new Set(names).size, stacks.length);
    for (const one of names) assert.match(one, /^[a-z0-9][a-z0-9-]{0,251}[a-z0-9]$/);
    assert.match(leaseName("acme/fleet/prod"), /^mcp-fleet-acme-fleet-prod-[0-9a-f]{8}$/);
  });

  it("goes to one of two that ask at once", async () => {
    world.conflict = true;
    world.lease = { metadata: { name, resourceVersion: "5" } };
    await assert.rejects(take(request("a")), later(/at the same moment/));
  });

  it("puts off what failed, longer each time, unless something changed or somebody says now", async () => {
    await (await take(request("a"))).release("failed");
    await assert.rejects(
      take(request("a")),
      later(/failed once, so the next attempt is not before/),
    );
    await (await take(request("a", { inputs: "other" }))).release("failed");
    await (await take(request("a", { inputs: "other", now: true }))).release("failed");
    const twice = later(/failed 2 times in a row.*\nCorrect the cause, or add --now\.$/s);
    await assert.rejects(take(request("a", { inputs: "other" })), twice);
    const { failed } = kept();
    // After two failures: two minutes.
    keep({ holders: [], failed: { ...failed, at: new Date(Date.now() - 121_000).toISOString() } });
    await (await take(request("a", { inputs: "other" }))).release("done");
    assert.doesNotMatch(JSON.stringify(world.lease), /failed/);
  });

  it("does not put off for longer than its wait, whatever the clock was when it failed", async () => {
    const failed = { inputs: "one", times: 1 };
    for (const at of [
      new Date(Date.now() + 3_600_000).toISOString(),
      "+275760-09-13T00:00:00.000Z",
      "never",
    ]) {
      keep({ holders: [], failed: { ...failed, at } });
      await (await take(request("a"))).release("done");
    }
    keep({ holders: [], failed: { ...failed, times: 5000, at: new Date().toISOString() } });
    await assert.rejects(take(request("a")), later(/failed 5000 times in a row/));
  });

  it("that somebody else wrote is refused, and never taken for free", async () => {
    const pod = { pod: "a", uid: "1" };
    for (const record of [
      "[".repeat(50),
      "null",
      { holders: "everybody" },
      { holders: [null] },
      { holders: [{ ...pod, uid: "" }] },
      { holders: [{ ...pod, pod: "x/../../secrets/s" }] },
      { holders: [{ ...pod, pod: "a; curl evil.example" }] },
      { holders: [{ ...pod, container: 7 }] },
      { holders: [], failed: null },
      { holders: [], failed: { inputs: "one", times: 0, at: "2026" } },
    ]) {
      keep(record);
      await assert.rejects(
        take(request("b")),
        (error: unknown) =>
          isUserError(error) &&
          /is not what mcp-fleet writes.*kubectl delete lease.*pulumi cancel --yes/s.test(
            error.message,
          ),
        JSON.stringify(record),
      );
    }
  });
});
