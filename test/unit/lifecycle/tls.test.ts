import assert from "node:assert/strict";

import { listMcpServers } from "@mcp-fleet/lifecycle";

import { sendJson, type StubApi, stubApi } from "../../support/api-server";

const labels = { app: "weather", "app.kubernetes.io/component": "mcp-server" };
const deployment = {
  metadata: { name: "weather", namespace: "n", uid: "u", labels },
  spec: {
    ...{ replicas: 1, selector: { matchLabels: { app: "weather" } } },
    template: { metadata: { labels }, spec: { containers: [{ name: "server", image: "i:1" }] } },
  },
  status: { replicas: 1, readyReplicas: 1, availableReplicas: 1, updatedReplicas: 1 },
};
const service = {
  metadata: {
    ...{ name: "weather", namespace: "n" },
    annotations: { "mcp-fleet.dev/ca": "configmap/corp-ca/ca.crt" },
  },
  spec: {
    ...{ clusterIP: "10.0.0.1", selector: { app: "weather" } },
    ports: [{ name: "http", port: 8443, targetPort: 8443, appProtocol: "https" }],
  },
};
const pod = {
  metadata: {
    ...{ name: "weather-1-x", namespace: "n", labels: { ...labels, "pod-template-hash": "1" } },
    ownerReferences: [{ kind: "ReplicaSet", name: "weather-1", controller: true }],
  },
  spec: { containers: [{ name: "server", image: "i:1" }] },
  status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] },
};

describe("lifecycle: a probe of a server that serves TLS", () => {
  let api: StubApi;
  afterEach(() => api.die());

  it("reads the authority that the Service names, and says where that is not to be had", async () => {
    api = await stubApi((_request, response, { pathname }) => {
      const items = [
        ["/deployments", deployment],
        ["/services", service],
        ["/pods", pod],
      ] as const;
      const found = items.find(([end]) => pathname.endsWith(end));
      if (found !== undefined) return sendJson(response, 200, { items: [found[1]] });
      if (pathname.includes("/configmaps/"))
        return sendJson(response, 403, { message: "forbidden" });
      return sendJson(response, 200, { items: [] });
    });
    const [server] = await listMcpServers(await api.kube(), { namespace: "n", probe: {} });
    assert.deepEqual(server?.endpoints, ["https://10.0.0.1:8443"]);
    assert.deepEqual(server.probe, {
      ok: false,
      message:
        "[Service weather, mcp-fleet.dev/ca] ConfigMap n/corp-ca may not be read by this identity.",
    });
    assert.ok(api.asked.includes("/api/v1/namespaces/n/configmaps/corp-ca"));
  });
});
