import assert from "node:assert/strict";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";

import type * as k8s from "@kubernetes/client-node";
import { askCandidate, type ProbeSpec } from "@mcp-fleet/cutover-runner";

import { sendJson, type StubApi, stubApi } from "../../support/api-server";

const spec: ProbeSpec = {
  ...{ from: "cluster", namespace: "tools", image: "probe:1", deadlineSeconds: 5, consumers: [] },
};
const target = {
  ...{ name: "memory", url: "http://memory.tools.svc.cluster.local:8000/mcp" },
  headers: { Authorization: "Bearer s3cret" },
};
const workload = { kind: "StatefulSet", namespace: "tools", name: "memory" } as const;
const container = (name: string, mounts: Record<string, boolean> = {}, more: object = {}) => ({
  ...{ name, image: `${name}:1`, ...more },
  volumeMounts: Object.entries(mounts).map(([volume, readOnly]) => ({
    ...{ name: volume, mountPath: `/${volume}`, readOnly },
  })),
});
const result = { name: "memory", ok: true, outcome: "ok", message: "fine", definitions: [] };

describe("cutover-runner: a release of a server that does not run yet", () => {
  let api: StubApi;
  let made: k8s.V1Job | undefined;
  let gone: string[] = [];
  afterEach(() => api.die());

  /** @param ends whether the probe in the pod ends */
  async function ask(pod: object, ends = true, signal?: AbortSignal): Promise<unknown> {
    [made, gone] = [undefined, []];
    const state = ends ? { terminated: { exitCode: 0 } } : { running: {} };
    const seen = {
      metadata: { name: "p-1", namespace: "tools", uid: "p", resourceVersion: "6" },
      status: { phase: "Running", containerStatuses: [{ name: "probe", state }] },
    };
    api = await stubApi((request, response, { pathname, searchParams }) => {
      if (searchParams.get("watch") === "true") return undefined;
      if (request.method === "DELETE") {
        gone.push(pathname.split("/").at(-2) ?? "");
        return sendJson(response, 200, {});
      }
      if (pathname.endsWith("/statefulsets/memory"))
        return sendJson(response, 200, { spec: { template: pod, selector: {} } });
      if (pathname.endsWith("/log")) {
        response.writeHead(200, { "content-type": "text/plain" });
        return void response.end(`${JSON.stringify(result)}\n`);
      }
      if (request.method === "POST" && pathname.endsWith("/jobs"))
        return void text(request).then((body) => {
          made = JSON.parse(body) as k8s.V1Job;
          sendJson(response, 201, { ...made, metadata: { ...made.metadata, uid: "j" } });
        });
      if (/\/(jobs\/.+|secrets)$/.test(pathname))
        return sendJson(response, 200, { metadata: { name: "j", resourceVersion: "5" } });
      const items = pathname.endsWith("/pods") ? [seen] : [];
      sendJson(response, 200, { metadata: { resourceVersion: "6" }, items });
    });
    const candidate = { workload, image: "memory:2", target, without: ["gate"] };
    return askCandidate(await api.kube(), "c", spec, {
      ...candidate,
      ...(signal === undefined ? {} : { signal }),
    });
  }

  it("has the new image, the pod's labels and annotations, and is never ready", async () => {
    const metadata = {
      labels: { app: "memory" },
      annotations: { "vault.hashicorp.com/agent-inject": "true" },
    };
    const server = container(
      "mcp-server",
      {},
      { ports: [{ containerPort: 8000, hostPort: 8000 }] },
    );
    const pod = { containers: [server], initContainers: [container("gate"), container("first")] };
    assert.deepEqual(await ask({ metadata, spec: pod }), result);
    const template = made?.spec?.template;
    assert.equal(template?.metadata?.labels?.app, "memory");
    assert.deepEqual(template?.metadata?.annotations, metadata.annotations);
    assert.equal(template?.spec?.readinessGates?.length, 1);
    assert.deepEqual(
      template.spec.initContainers?.map(({ name, image, restartPolicy }) => [
        name,
        image,
        restartPolicy,
      ]),
      [
        ["first", "first:1", undefined],
        ["mcp-server", "memory:2", "Always"],
      ],
    );
    assert.deepEqual(template.spec.initContainers?.[1]?.ports, [{ containerPort: 8000 }]);
    assert.ok(!JSON.stringify(made).includes("s3cret"));
    assert.deepEqual(gone, ["secrets", "jobs"]);
  });

  it("gets nothing that may hold the server's data, whoever mounts it", async () => {
    const [write, read] = [false, true];
    const server = container("mcp-server", {
      settings: write,
      claim: read,
      node: write,
      share: read,
    });
    await ask({
      spec: {
        containers: [server],
        initContainers: [container("first", { data: write, node: read })],
        volumes: [
          { name: "settings", secret: { secretName: "s" } },
          { name: "claim", persistentVolumeClaim: { claimName: "c" } },
          { name: "node", hostPath: { path: "/srv" } },
          { name: "share", nfs: { server: "n", path: "/" } },
        ],
      },
    });
    const volumes = made?.spec?.template.spec?.volumes ?? [];
    const kinds = volumes.map(({ name, ...source }) => [name, ...Object.keys(source)]);
    assert.deepEqual(kinds, [
      ...[
        ["settings", "secret"],
        ["claim", "emptyDir"],
        ["node", "emptyDir"],
        ["share", "nfs"],
      ],
      // The StatefulSet makes this one for its own pods.
      ...[
        ["data", "emptyDir"],
        ["mcp-probe-targets", "secret"],
      ],
    ]);
  });

  it("may have containers and volumes with the names of the probe's", async () => {
    const spec = {
      containers: [container("mcp-server", { targets: true }), container("probe")],
      volumes: [{ name: "targets", configMap: { name: "t" } }],
    };
    assert.deepEqual(await ask({ spec }), result);
    const { containers = [], initContainers = [], volumes = [] } = made?.spec?.template.spec ?? {};
    const names = [...containers, ...initContainers].map(({ name }) => name);
    assert.deepEqual(names, ["probe", "mcp-server", "probe-of-server"]);
    assert.deepEqual(
      volumes.map(({ name }) => name),
      ["targets", "mcp-probe-targets"],
    );
    assert.equal(containers[0]?.volumeMounts?.[0]?.name, "mcp-probe-targets");
  });

  it("is removed at Ctrl-C, at once", async () => {
    const interrupt = new AbortController();
    const asked = ask({ spec: { containers: [container("mcp-server")] } }, false, interrupt.signal);
    const ended = assert.rejects(asked, { name: "AbortError" });
    await sleep(1000);
    const started = Date.now();
    interrupt.abort();
    await ended;
    assert.ok(Date.now() - started < 1000, `${Date.now() - started} ms`);
    assert.ok(made !== undefined);
    assert.deepEqual(gone, ["secrets", "jobs"]);
  });
});
