import assert from "node:assert/strict";

import { ownPod } from "@mcp-fleet/cluster";

import { sendJson, type StubApi, stubApi } from "../../support/api-server";

const running = { running: { startedAt: "2026-11-29T10:00:00Z" } };

describe("the pod of an update", () => {
  let api: StubApi | undefined;
  afterEach(() => api?.die());

  /** @param statuses of the pod's containers at each read; the last one repeats */
  const read = async (
    statuses: readonly [readonly object[], ...(readonly object[])[]],
    names: { podName?: string | undefined; hostname?: string } = {},
  ): ReturnType<typeof ownPod> => {
    const left = [...statuses];
    api = await stubApi((_request, response) => {
      const [containerStatuses = []] = left.length > 1 ? left.splice(0, 1) : left;
      sendJson(response, 200, { metadata: { uid: "u" }, status: { containerStatuses } });
    });
    const { hostname = "update-x", podName } = { podName: "update-x", ...names };
    return ownPod(await api.kube(), { podName, hostname, patienceMs: 600 });
  };

  it("is read once the kubelet has said which container runs", async () => {
    const waiting = { name: "c", image: "r:1", imageID: "", state: { waiting: {} } };
    const now = {
      ...waiting,
      imageID: "r@sha256:1",
      containerID: "containerd://1",
      state: running,
    };
    assert.deepEqual(await read([[], [waiting], [now]]), {
      ...{ name: "update-x", uid: "u" },
      ...{ container: "containerd://1", images: ["r@sha256:1"] },
    });
  });

  it("is known without its container where the kubelet does not say in time", async () => {
    const ended = {
      name: "c",
      image: "r:1",
      imageID: "",
      containerID: "x",
      state: { waiting: {} },
    };
    assert.deepEqual(await read([[ended]]), { name: "update-x", uid: "u", images: ["r:1"] });
  });

  it("of several containers has the one called mcp-fleet", async () => {
    const one = { name: "mesh", image: "m", imageID: "m", containerID: "1", state: running };
    const own = { ...one, name: "mcp-fleet", containerID: "2" };
    assert.equal((await read([[one, own]])).container, "2");
    assert.equal((await read([[one, { ...own, name: "other" }]])).container, undefined);
  });

  it("is refused without POD_NAME, and where it is not the host name", async () => {
    await assert.rejects(read([[]], { podName: undefined }), /POD_NAME is not set/);
    await assert.rejects(read([[]], { hostname: "node-1" }), /its host name node-1/);
    assert.deepEqual(api?.asked, []);
  });
});
