import assert from "node:assert/strict";

import { waitForExternalSecret } from "@mcp-fleet/cluster";
import { isUserError } from "@mcp-fleet/errors";

import { sendJson, type StubApi, stubApi } from "../../support/api-server";

const ref = { namespace: "tools", name: "tools-mcp-secrets" };
const failing = {
  ...{ type: "Ready", status: "False", reason: "SecretSyncedError" },
  message: "could not get secret data from provider",
};

/** An answer of the API: status and body. */
type Answer = readonly [status: number, body: object];

/** What only a cluster in trouble does; `test/lab/external-secrets.test.ts` uses the operator itself. */
describe("the wait for a Secret of the External Secrets Operator", () => {
  let api: StubApi | undefined;
  afterEach(() => api?.die());

  /** @param objects the ExternalSecret at each read; the last one repeats */
  const wait = async (
    objects: readonly [Answer, ...Answer[]],
    secret: Answer = [200, { metadata: { resourceVersion: "4711" } }],
    seconds = 5,
  ): Promise<{ version: string | undefined; said: string[] }> => {
    const left = [...objects];
    const events = [
      { message: "an older one", lastTimestamp: "2026-11-29T10:00:00Z" },
      {
        message: "error processing spec.data[0] (key: mcp)",
        lastTimestamp: "2026-11-29T11:00:00Z",
      },
    ];
    api = await stubApi((_request, response, { pathname }) => {
      if (pathname.endsWith("/events")) return sendJson(response, 200, { items: events });
      if (pathname.endsWith("/secrets/tools-mcp-secrets")) return sendJson(response, ...secret);
      const [now = objects[0]] = left.length > 1 ? left.splice(0, 1) : left;
      sendJson(response, ...now);
    });
    const said: string[] = [];
    const say = (sentence: string): number => said.push(sentence);
    const { version } = await waitForExternalSecret(await api.kube(), ref, { seconds, say });
    return { version, said };
  };

  it("ends with the Secret of the present generation, through an API that fails in between", async () => {
    const old = { metadata: { generation: 2 }, status: { syncedResourceVersion: "1-abc" } };
    const now = { ...old, status: { syncedResourceVersion: "2-abc" } };
    const seen = await wait([
      [200, old],
      [503, { message: "the server is restarting" }],
      [200, now],
    ]);
    assert.deepEqual(seen, { version: "4711", said: [] });
  });

  it("does not wait for a store that cannot be read again, nor for a Secret that is made once", async () => {
    const status = { syncedResourceVersion: "1-abc", conditions: [failing] };
    const kept = await wait([[200, { metadata: { generation: 1 }, status }]]);
    assert.equal(kept.version, "4711");
    assert.deepEqual(kept.said, [
      "Secret tools/tools-mcp-secrets: it stays as it is, since SecretSyncedError: could not get secret data from provider: error processing spec.data[0] (key: mcp).",
    ]);
    for (const spec of [{ refreshInterval: "0s" }, { refreshPolicy: "CreatedOnce" }]) {
      const once = { metadata: { generation: 3 }, spec, status: { syncedResourceVersion: "1-a" } };
      assert.equal((await wait([[200, once]])).version, "4711");
    }
  });

  it("goes on without a version where the account may not read the Secret, and says what that means", async () => {
    const made = { metadata: { generation: 1 }, status: { syncedResourceVersion: "1-abc" } };
    const seen = await wait([[200, made]], [403, { message: "secrets is forbidden" }]);
    assert.equal(seen.version, undefined);
    assert.match(seen.said.join(), /rolls no pods here, because .*does not allow us to read/);
  });

  it("ends in time where no operator looks at it", async () => {
    const error: unknown = await wait([[200, { metadata: { generation: 1 } }]], [404, {}], 1).catch(
      (thrown: unknown) => thrown,
    );
    assert.ok(isUserError(error), String(error));
    assert.match(
      error.problem,
      /within 1 seconds: the operator has not looked at it: is it running/,
    );
  });

  it("reads a status of wrong types as one that says nothing", async () => {
    const odd = { ...failing, message: 5, reason: ["x"] };
    const statuses = [
      { conditions: null },
      { conditions: [null, "Ready", odd], syncedResourceVersion: 7 },
      null,
    ];
    for (const status of statuses) {
      const seen = await wait([
        [200, { metadata: { generation: 2 }, status }],
        [200, { metadata: { generation: 2 }, status: { syncedResourceVersion: "2-abc" } }],
      ]);
      assert.equal(seen.version, "4711");
      api?.die();
    }
  });

  it("shows a reason on one line", async () => {
    const reason = `Synced\nError: ${"x".repeat(500)}`;
    const status = { conditions: [{ ...failing, reason }] };
    await assert.rejects(
      wait([[200, { metadata: { generation: 2 }, status }]], undefined, 0),
      (error: unknown) =>
        isUserError(error) && /: Synced Error: x{300,400}…: could/.test(error.problem),
    );
  });
});
