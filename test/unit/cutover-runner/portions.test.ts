import assert from "node:assert/strict";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";

import type * as k8s from "@kubernetes/client-node";
import { askServers } from "@mcp-fleet/cutover-runner";

import { sendJson, stubApi } from "../../support/api-server";

describe("cutover-runner: a fleet that one Job cannot ask", () => {
  it("is asked by several, and each consumer has one list of answers in the fleet's order", async () => {
    let asked: string[] = [];
    const jobs: string[] = [];
    const pod = {
      metadata: { name: "p-1", namespace: "tools", uid: "p", resourceVersion: "6" },
      status: {
        phase: "Running",
        containerStatuses: [{ name: "probe", state: { terminated: { exitCode: 0 } } }],
      },
    };
    const answer = (name: string): string =>
      JSON.stringify({ name, ok: name !== "s70", outcome: "ok", message: "" });
    const api = await stubApi((request, response, { pathname, searchParams }) => {
      if (searchParams.get("watch") === "true") return undefined;
      if (pathname.endsWith("/log")) {
        response.writeHead(200, { "content-type": "text/plain" });
        return void response.end(`${asked.map(answer).reverse().join("\n")}\n`);
      }
      if (request.method === "POST" && pathname.endsWith("/jobs"))
        return void text(request).then((body) => {
          const made = JSON.parse(body) as k8s.V1Job;
          const [container] = made.spec?.template.spec?.containers ?? [];
          const value = container?.env?.[0]?.value ?? "";
          asked = (JSON.parse(value) as { targets: { name: string }[] }).targets.map(
            ({ name }) => name,
          );
          jobs.push(made.metadata?.name ?? "");
          sendJson(response, 201, made);
        });
      if (/\/jobs\/.+$/.test(pathname))
        return sendJson(response, 200, { metadata: { name: "j", resourceVersion: "5" } });
      const own = searchParams.get("labelSelector")?.startsWith("batch.kubernetes.io/") === true;
      const items = pathname.endsWith("/pods") && own ? [pod] : [];
      sendJson(response, 200, { metadata: { resourceVersion: "6" }, items });
    });
    try {
      const targets = Array.from({ length: 120 }, (_, at) => ({
        ...{ name: `s${at}`, url: `http://s${at}.tools.svc.cluster.local:8000/mcp` },
      }));
      const [seen, ...others] = await askServers(
        {
          ...{ spec: { name: "c" }, targets, kubernetes: {} },
          probe: {
            ...{ from: "cluster", namespace: "tools", image: "probe:1", deadlineSeconds: 5 },
            ...{ consumers: [{ name: "web", labels: {} }], definitions: true },
          },
        },
        { kubeconfig: api.kubeconfig },
      );
      assert.deepEqual(others, []);
      assert.equal(jobs.length, 3);
      assert.deepEqual(
        seen?.results.map(({ name }) => name),
        targets.map(({ name }) => name),
      );
      // This one stays, to be looked at.
      assert.equal(seen?.job, jobs[1]);
    } finally {
      api.die();
    }
  });

  it("is left alone at Ctrl-C, and no Job stays", async () => {
    const gone: string[] = [];
    const api = await stubApi((request, response, { pathname, searchParams }) => {
      if (searchParams.get("watch") === "true") return undefined;
      if (request.method === "DELETE") gone.push(pathname.split("/").at(-2) ?? "");
      const one = /\/jobs\/.+$/.test(pathname) || request.method === "POST";
      sendJson(response, 200, {
        ...{ metadata: { name: "j", resourceVersion: "5" } },
        ...(one ? {} : { items: [] }),
      });
    });
    const interrupt = new AbortController();
    const asked = askServers(
      {
        ...{ spec: { name: "c" }, kubernetes: {}, signal: interrupt.signal },
        targets: [{ name: "s", url: "http://s.tools.svc.cluster.local:8000/mcp" }],
        probe: {
          ...{ from: "cluster", namespace: "tools", image: "probe:1", deadlineSeconds: 5 },
          consumers: [{ name: "web", labels: {} }],
        },
      },
      { kubeconfig: api.kubeconfig },
    );
    try {
      const ended = assert.rejects(asked, { name: "AbortError" });
      await sleep(1000);
      interrupt.abort();
      await ended;
      assert.deepEqual(gone, ["jobs"]);
    } finally {
      api.die();
    }
  });
});
