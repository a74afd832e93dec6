import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";

import { startMcp } from "@mcp-fleet/lifecycle";

import { sendJson, type StubApi, stubApi } from "../../support/api-server";

const labels = { "app.kubernetes.io/component": "mcp-server" };

function deployment(version: number, ready: number): object {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "x", namespace: "n", uid: "u", resourceVersion: String(version), labels },
    spec: { replicas: 1, selector: { matchLabels: labels }, template: { metadata: { labels } } },
    status: { replicas: 1, readyReplicas: ready, availableReplicas: ready, updatedReplicas: 1 },
  };
}

const event = (type: string, object: object): string => `${JSON.stringify({ type, object })}\n`;

/**
 * A server with one Deployment that is not ready; the next of `watches` answers each watch.
 * @param listed ready replicas in each list after the first
 */
async function stub(
  watches: ((response: ServerResponse, api: StubApi) => void)[],
  listed: number[] = [],
): Promise<StubApi> {
  let lists = 0;
  const api = await stubApi((_request, response, url) => {
    if (url.pathname.endsWith("/deployments/x")) return sendJson(response, 200, deployment(5, 0));
    if (url.pathname.includes("/statefulsets/")) return sendJson(response, 404, {});
    if (url.searchParams.has("watch")) {
      const next = watches.shift();
      if (next === undefined) return sendJson(response, 500, { message: "no more watches" });
      response.writeHead(200, { "content-type": "application/json" });
      return next(response, api);
    }
    if (url.pathname.endsWith("/deployments")) {
      lists += 1;
      const ready = lists === 1 ? 0 : (listed.shift() ?? 0);
      const metadata = { resourceVersion: String(lists * 10) };
      const items = [deployment(lists * 10, ready)];
      return sendJson(response, 200, { kind: "DeploymentList", metadata, items });
    }
    return sendJson(response, 200, { items: [] });
  });
  return api;
}

const watchesOf = ({ asked }: StubApi): string[] =>
  asked.flatMap((path) => /watch=true.*resourceVersion=(\d+)/.exec(path)?.[1] ?? []);
const listsOf = ({ asked }: StubApi): number =>
  asked.filter((path) => /\/deployments\?/.test(path) && !path.includes("watch=true")).length;

describe("lifecycle: waiting by watch", () => {
  let api: StubApi;
  afterEach(() => api.die());

  it("goes on from the last version when the API server ends a watch", async () => {
    api = await stub([
      (response) => {
        response.write(event("BOOKMARK", deployment(12, 0)));
        response.end();
      },
      (response) => response.write(event("MODIFIED", deployment(13, 1))),
    ]);
    assert.equal((await startMcp(await api.kube(), "x")).readyReplicas, 1);
    assert.deepEqual(watchesOf(api), ["10", "12"]);
    assert.equal(listsOf(api), 1);
  });

  it("lists anew when its version is too old: as an event, and as the answer's status", async () => {
    api = await stub(
      [
        (response) =>
          response.end(event("ERROR", { kind: "Status", code: 410, message: "too old" })),
      ],
      [1],
    );
    assert.equal((await startMcp(await api.kube(), "x")).readyReplicas, 1);
    assert.equal(listsOf(api), 2);
  });

  it("lists anew when the connection is cut in the middle of an event", async () => {
    api = await stub(
      [
        (response) => {
          response.write('{"type":"MODIFIED","obj');
          setTimeout(() => response.destroy(), 20);
        },
      ],
      [1],
    );
    assert.equal((await startMcp(await api.kube(), "x")).readyReplicas, 1);
  });

  it("stops when the API refuses the watch, and passes on what it said", async () => {
    api = await stub([
      (response) =>
        response.end(event("ERROR", { kind: "Status", code: 403, message: "watch is forbidden" })),
    ]);
    await assert.rejects(startMcp(await api.kube(), "x"), {
      status: 403,
      problem: /does not allow us to watch Deployments in n: watch is forbidden\.$/,
    });
  });

  it("says in the end that the API server went away", async () => {
    api = await stub([(_response, self) => self.die()]);
    const kube = await api.kube();
    await assert.rejects(startMcp(kube, "x", { awaySeconds: 1 }), {
      name: "UserError",
      problem:
        /^The Kubernetes API at http:\/\/127\.0\.0\.1:\d+ cannot be reached to list Deployments in n: ECONNREFUSED\.$/,
    });
  });

  it("ends in time when nothing comes, and at once when told to", async () => {
    api = await stub([() => undefined, () => undefined]);
    const kube = await api.kube();
    await assert.rejects(startMcp(kube, "x", { timeoutSeconds: 0.3 }), {
      exitCode: 4,
      problem: /x was not ready within 0\.3 seconds: 0 of 1 replica ready\.$/,
    });
    const reason = new Error("Ctrl-C");
    await assert.rejects(startMcp(kube, "x", { signal: AbortSignal.abort(reason) }), reason);
  });
});
