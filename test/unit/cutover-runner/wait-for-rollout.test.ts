import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";

import { waitForRollout } from "@mcp-fleet/cutover-runner/dist/rollout";

import { sendJson, type StubApi, stubApi } from "../../support/api-server";

const labels = { app: "web" };
const hash = "5d5";

/** The Deployment `web` of generation 2, with one new replica. */
const deployment = (more: { stuck?: boolean; generation?: string } = {}): object => ({
  ...{ apiVersion: "apps/v1", kind: "Deployment" },
  metadata: { name: "web", namespace: "n", uid: "d", resourceVersion: "7", generation: 3 },
  spec: {
    ...{ replicas: 1, selector: { matchLabels: labels } },
    template: { metadata: { labels: { "mcp-fleet.dev/generation": more.generation ?? "2" } } },
  },
  status: {
    ...{ observedGeneration: 3, replicas: 1, updatedReplicas: more.stuck === true ? 0 : 1 },
    ...{ readyReplicas: 1, availableReplicas: 1 },
    conditions: [
      {
        ...{ type: "Progressing", status: more.stuck === true ? "False" : "True" },
        reason: "ProgressDeadlineExceeded",
      },
    ],
  },
});

/** A pod of it; the one of the generation before is ending. */
const pod = (name: string, generation: string, ending = false): object => ({
  ...{ apiVersion: "v1", kind: "Pod" },
  metadata: {
    ...{ name, namespace: "n", uid: name, resourceVersion: "8" },
    labels: { ...labels, "pod-template-hash": hash, "mcp-fleet.dev/generation": generation },
    ownerReferences: [
      ...[{ apiVersion: "apps/v1", kind: "ReplicaSet", name: `web-${hash}`, uid: "r" }].map(
        (owner) => ({ ...owner, controller: true }),
      ),
    ],
    ...(ending ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}),
  },
  ...{ spec: { nodeName: "one" }, status: { phase: "Running" } },
});

const [fresh, old] = [pod("web-new", "2"), pod("web-old", "1", true)];

interface Answers {
  readonly deployment?: object;
  /** What each list of pods answers, the last one again and again. */
  readonly pods: readonly (readonly object[])[];
  /** How a watch of pods is answered. @default not at all, it stays open */
  readonly watchPods?: (response: ServerResponse) => void;
}

async function cluster({ deployment: own = deployment(), pods, watchPods }: Answers) {
  const left = [...pods];
  return stubApi((_request, response, { pathname, searchParams }) => {
    const list = (items: readonly object[]): void =>
      sendJson(response, 200, { metadata: { resourceVersion: "9" }, items });
    const isPods = pathname.endsWith("/pods");
    if (searchParams.has("watch")) {
      if (isPods && watchPods !== undefined) return watchPods(response);
      response.writeHead(200, { "content-type": "application/json" });
      return void response.flushHeaders();
    }
    if (pathname.endsWith("/deployments/web")) return sendJson(response, 200, own);
    if (isPods) return list((left.length > 1 ? left.shift() : left[0]) ?? []);
    return sendJson(response, 404, { message: "not found" });
  });
}

describe("cutover-runner: the rollout of the application", () => {
  let api: StubApi | undefined;
  afterEach(() => api?.die());

  const wait = async (answers: Answers, deadlineSeconds = 20): Promise<string[]> => {
    api = await cluster(answers);
    const told: string[] = [];
    const workloads = [{ namespace: "n", deployment: "web" }];
    await waitForRollout(
      await api.kube(),
      { generation: 2, workloads, deadlineSeconds },
      (line) => void told.push(line),
    );
    return told;
  };

  it("is over once the watch says that the last old pod is gone, though the Deployment was before", async () => {
    const told = await wait({
      pods: [[fresh, old]],
      watchPods: (response) => {
        response.writeHead(200, { "content-type": "application/json" });
        const gone = JSON.stringify({ type: "DELETED", object: old });
        response.flushHeaders();
        setTimeout(() => response.write(`${gone}\n`), 50);
      },
    });
    assert.deepEqual(told, ["old pod n/web-old (Terminating on one)"]);
    assert.equal(api?.asked.filter((path) => /\/pods\?(?!.*watch)/.test(path)).length, 1);
  });

  it("is looked at again and again where pods may be listed and not watched", async () => {
    const refuse = (response: ServerResponse): void =>
      sendJson(response, 403, { kind: "Status", code: 403, message: "watch is forbidden" });
    await wait({ pods: [[fresh, old], [fresh]], watchPods: refuse });
    assert.equal(api?.asked.filter((path) => /\/pods\?(?!.*watch)/.test(path)).length, 2);
  });

  it("names the pods that remain when its time is over", async () => {
    await assert.rejects(wait({ pods: [[fresh, old]] }, 0.5), {
      problem:
        "The rollout to generation 2 has not ended within 0.5 seconds, so the rows stay fenced. Pods of an earlier generation: n/web-old (Terminating on one).",
    });
  });

  it("takes a time that is no whole number of milliseconds", async () => {
    await assert.rejects(wait({ pods: [[fresh, old]] }, 0.1003), /has not ended within 0\.1003/);
  });

  it("is not asked for without a pause where every watch is too old at once", async () => {
    const tooOld = (response: ServerResponse): void =>
      sendJson(response, 410, { kind: "Status", code: 410, message: "too old" });
    await assert.rejects(wait({ pods: [[fresh, old]], watchPods: tooOld }, 1.5), /has not ended/);
    assert.ok((api?.asked.length ?? 0) < 20, `${api?.asked.length} requests`);
  });

  it("is given up at once where its controller has, or where its template is another release's", async () => {
    await assert.rejects(
      wait({ deployment: deployment({ stuck: true }), pods: [[fresh]] }),
      /is stuck, so the rows stay fenced\. Deployment n\/web: 0 of 1 replica on the newest template, and its rollout is stuck/,
    );
    api?.die();
    await assert.rejects(
      wait({ deployment: deployment({ generation: "1" }), pods: [[fresh]] }),
      /has generation 1 where generation 2 is wanted/,
    );
  });
});
