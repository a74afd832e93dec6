import type * as k8s from "@kubernetes/client-node";

import { sendJson, type StubApi, stubApi } from "./api-server";

/** What the newest pod of a server hangs at. */
export type Stuck = "image" | "crash" | "schedule" | "quota" | "nothing";

const labels = { app: "weather", "app.kubernetes.io/component": "mcp-server" };
const wanted = "registry.example.com/tools/weather:2.0.0";
const before = "registry.example.com/tools/weather:1.0.0";

/**
 * An API server with one MCP server whose key, Deployment and Service have three names. The pod of before serves; the newest
 * one hangs.
 */
export function stuckServer(stuck: Stuck): Promise<StubApi> {
  const deployment = deploymentOf(stuck);
  const pods = [pod("weather-mcp-1-old", before, { state: { running: {} }, ready: true })];
  if (stuck !== "quota" && stuck !== "nothing") pods.push(newest(stuck));
  return stubApi((_request, response, url) => {
    const { pathname } = url;
    if (pathname.endsWith("/deployments/weather-mcp")) return sendJson(response, 200, deployment);
    if (/\/(deployments|statefulsets)\//.test(pathname))
      return sendJson(response, 404, { message: "not found" });
    if (/\/(statefulsets|horizontalpodautoscalers)$/.test(pathname))
      return sendJson(response, 200, { items: [] });
    if (pathname.endsWith("/deployments")) return sendJson(response, 200, { items: [deployment] });
    if (pathname.endsWith("/services")) return sendJson(response, 200, { items: [service] });
    if (pathname.endsWith("/pods")) return sendJson(response, 200, { items: pods });
    if (pathname.endsWith("/log") && pathname.includes("-old"))
      return void response.writeHead(200).end("listening on 8000\nGET /mcp 200\n");
    if (pathname.endsWith("/log")) {
      const message = 'container "mcp-server" in pod "x" is waiting to start: ContainerCreating';
      return sendJson(response, 400, { kind: "Status", code: 400, message });
    }
    return sendJson(response, 404, { message: `nothing at ${pathname}` });
  });
}

const service: k8s.V1Service = {
  metadata: {
    ...{ name: "weather-svc", namespace: "n", labels },
    annotations: { "mcp-fleet.dev/server": "weather" },
  },
  spec: { clusterIP: "10.0.0.1", ports: [{ port: 8000 }], selector: { app: "weather" } },
};

function deploymentOf(stuck: Stuck): k8s.V1Deployment {
  const complete = stuck === "nothing";
  const message = 'pods "weather-mcp-2-x" is forbidden: exceeded quota: small, used: pods=1';
  return {
    metadata: {
      ...{ name: "weather-mcp", namespace: "n", uid: "u", generation: 2, labels },
      annotations: { "mcp-fleet.dev/server": "weather" },
    },
    spec: {
      ...{ replicas: 1, selector: { matchLabels: { app: "weather" } } },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: "mcp-server", image: complete ? before : wanted }] },
      },
    },
    status: {
      ...{ observedGeneration: 2, readyReplicas: 1, availableReplicas: 1 },
      replicas: complete || stuck === "quota" ? 1 : 2,
      ...(stuck === "quota" ? {} : { updatedReplicas: 1 }),
      conditions:
        stuck === "quota"
          ? [{ type: "ReplicaFailure", status: "True", reason: "FailedCreate", message }]
          : [{ type: "Progressing", status: "True", reason: "ReplicaSetUpdated" }],
    },
  };
}

function newest(stuck: "image" | "crash" | "schedule"): k8s.V1Pod {
  if (stuck === "schedule") {
    const message = "0/3 nodes are available: 3 Insufficient memory.";
    const conditions = [
      { type: "PodScheduled", status: "False", reason: "Unschedulable", message },
    ];
    return { ...pod("weather-mcp-2-new", wanted), status: { phase: "Pending", conditions } };
  }
  const waiting =
    stuck === "image"
      ? { reason: "ImagePullBackOff", message: `Back-off pulling image "${wanted}"` }
      : { reason: "CrashLoopBackOff" };
  return pod("weather-mcp-2-new", wanted, {
    ...{ state: { waiting }, ready: false },
    ...(stuck === "crash"
      ? { lastState: { terminated: { exitCode: 3, reason: "Error" } }, restartCount: 4 }
      : {}),
  });
}

function pod(name: string, image: string, status?: Partial<k8s.V1ContainerStatus>): k8s.V1Pod {
  const [set = ""] = /^.*-(\d)/.exec(name) ?? [];
  return {
    metadata: {
      ...{ name, namespace: "n" },
      labels: { ...labels, "pod-template-hash": set.slice(-1) },
      ownerReferences: [
        { kind: "ReplicaSet", name: set, controller: true, apiVersion: "apps/v1", uid: "r" },
      ],
    },
    spec: { containers: [{ name: "mcp-server", image }] },
    status: {
      phase: status?.ready === true ? "Running" : "Pending",
      conditions: [{ type: "Ready", status: status?.ready === true ? "True" : "False" }],
      containerStatuses: [
        {
          ...{ name: "mcp-server", image, imageID: "", restartCount: 0, ready: false },
          ...status,
        },
      ],
    },
  };
}
