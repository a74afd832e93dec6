import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";

import { finished } from "@mcp-fleet/cutover-runner/dist/job-wait";
import { isUserError } from "@mcp-fleet/errors";

import { sendJson, type StubApi, stubApi } from "../../support/api-server";

const started = { namespace: "tools", name: "mcp-probe-web", label: "web", limitSeconds: 10 };
const from = 'a pod with the labels of "web"';

const job = {
  metadata: { name: started.name, namespace: "tools", uid: "j", resourceVersion: "5" },
};
const pod = (state: object): object => ({
  metadata: { name: "mcp-probe-web-1", namespace: "tools", uid: "p", resourceVersion: "6" },
  status: { phase: "Running", containerStatuses: [{ name: "probe", ready: false, state }] },
});
const running = pod({ running: {} });
const ended = pod({ terminated: { exitCode: 0, reason: "Completed" } });

describe("cutover-runner: the wait for a probe's Job", () => {
  let api: StubApi;
  afterEach(() => api.die());

  /** @param onWatch answers a watch, of `jobs` or `pods` */
  async function wait(
    onWatch: (kind: "jobs" | "pods", response: ServerResponse) => void,
    pods: () => readonly object[] = () => [running],
    limitSeconds = started.limitSeconds,
  ): ReturnType<typeof finished> {
    api = await stubApi((_request, response, { pathname, searchParams }) => {
      if (searchParams.get("watch") === "true") {
        return onWatch(pathname.endsWith("/jobs") ? "jobs" : "pods", response);
      }
      if (pathname.endsWith(`/jobs/${started.name}`)) return sendJson(response, 200, job);
      const items = pathname.endsWith("/pods") ? pods() : [];
      sendJson(response, 200, { metadata: { resourceVersion: "6" }, items });
    });
    return finished(await api.kube(), { ...started, from, limitSeconds });
  }

  const listsOfPods = (): number =>
    api.asked.filter((path) => path.includes("/pods?") && !path.includes("watch=true")).length;

  const event = (response: ServerResponse, type: string, object: object): void => {
    response.writeHead(200, { "content-type": "application/json" });
    response.write(`${JSON.stringify({ type, object })}\n`);
  };

  it("ends with the event of the pod's end, after one list", async () => {
    const found = await wait((kind, response) => {
      if (kind === "pods") setTimeout(() => event(response, "MODIFIED", ended), 600);
    });
    assert.equal(found.pod.status?.containerStatuses?.[0]?.state?.terminated?.exitCode, 0);
    assert.equal(found.job.metadata?.uid, "j");
    assert.equal(listsOfPods(), 1);
  });

  it("lists again where the identity may not watch", async () => {
    let lists = 0;
    const found = await wait(
      (_kind, response) => sendJson(response, 403, { message: "may not watch" }),
      () => [(lists += 1) < 2 ? running : ended],
    );
    assert.equal(found.pod.status?.containerStatuses?.[0]?.state?.terminated?.exitCode, 0);
    assert.ok(listsOfPods() >= 2, String(listsOfPods()));
  });

  it("says that the Job was deleted", async () => {
    const waiting = wait((kind, response) => {
      if (kind === "jobs") setTimeout(() => event(response, "DELETED", job), 100);
    });
    await assert.rejects(
      waiting,
      (error) => isUserError(error) && /was deleted/.test(error.message),
    );
  });

  it("says what keeps the pod from running when the time is over", async () => {
    const unschedulable = {
      ...running,
      status: {
        phase: "Pending",
        conditions: [{ type: "PodScheduled", status: "False", message: "no room" }],
      },
    };
    const waiting = wait(
      () => undefined,
      () => [unschedulable],
      1,
    );
    await assert.rejects(waiting, /probed from a pod.*cannot be scheduled.*no room/);
  });
});
