import assert from "node:assert/strict";
import { text } from "node:stream/consumers";

import {
  type ClusterRight,
  missingClusterRights,
  refusedRights,
  rightsOfRun,
  type RunSettings,
  whoAmI,
  workOfRun,
} from "@mcp-fleet/cluster";

import { sendJson, type StubApi, stubApi } from "../../support/api-server";

/** A cluster that allows everything but `denied`, and returns the caller's identity. */
async function cluster(denied: readonly string[]): Promise<StubApi> {
  return stubApi((request, response, { pathname }) => {
    void text(request).then((body) => {
      if (pathname.endsWith("/selfsubjectreviews"))
        return sendJson(response, 201, { status: { userInfo: { username: "ann o'neil" } } });
      const { spec } = JSON.parse(body) as {
        spec: { resourceAttributes: Record<string, string> };
      };
      const { verb, group, resource, subresource = "", namespace = "" } = spec.resourceAttributes;
      const asked = [
        verb,
        group,
        `${resource}${subresource === "" ? "" : `/${subresource}`}`,
        namespace,
      ];
      sendJson(response, 201, { status: { allowed: !denied.includes(asked.join(" ")) } });
    });
  });
}

const work = {
  namespace: "llmctl",
  kinds: [
    { apiVersion: "v1", kind: "Namespace" },
    { apiVersion: "apps/v1", kind: "Deployment" },
    { apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy" },
  ],
  ...{ moves: true, probes: true, forwards: { namespace: "data" } },
};

describe("what an update does in its cluster", () => {
  let api: StubApi | undefined;
  afterEach(() => api?.die());

  it("is asked for once each, with its group and its plural", () => {
    const rights = rightsOfRun(work);
    const named = rights.map(({ verb, group, resource, namespace = "-" }) =>
      [verb, resource, group, namespace].join(" "),
    );
    assert.equal(new Set(named).size, named.length);
    for (const one of [
      ...["create namespaces  -", "patch deployments apps llmctl", "watch replicasets apps llmctl"],
      ...["delete networkpolicies networking.k8s.io llmctl", "create jobs batch llmctl"],
      ...["get pods/log  llmctl", "create pods/portforward  data"],
    ])
      assert.ok(named.includes(one), `${one} of\n${named.join("\n")}`);
    const without = rightsOfRun({ namespace: "a", kinds: [], moves: false, probes: false });
    assert.deepEqual(without, []);
  });

  it("reads the objects that headers and authorities name, and no others of their kinds", async () => {
    const kept = (from: string): RunSettings => ({
      ...{ namespace: "llmctl", kinds: [] },
      cutover: {
        ...{ target: "in-cluster", probe: { from }, database: { connect: "direct" } },
        targets: [
          {
            caFrom: { configMap: "corp-ca" },
            headersFrom: {
              Authorization: { secret: "tools-token" },
              "X-Key": { file: "/kept/0/k" },
            },
          },
        ],
      },
    });
    const named = (settings: RunSettings): string[] =>
      rightsOfRun(workOfRun(settings)).flatMap(({ verb, resource, name }) =>
        name === undefined ? [] : [`${verb} ${resource} ${name}`],
      );
    // A Job's pod mounts the authority, and the row still needs the header.
    assert.deepEqual(named(kept("cluster")), ["get secrets tools-token"]);
    assert.deepEqual(named(kept("here")), ["get secrets tools-token", "get configmaps corp-ca"]);
    api = await cluster(["get  secrets llmctl"]);
    const kube = await api.kube();
    const missing = await missingClusterRights(kube, rightsOfRun(workOfRun(kept("here"))));
    const { problem, fix } = refusedRights(kube, missing, "ann");
    assert.match(problem, /may not get secrets tools-token in namespace llmctl\.$/);
    assert.match(
      fix,
      /kubectl create role mcp-fleet -n llmctl --verb=get --resource=secrets --resource-name=tools-token && /,
    );
  });

  it("is refused by name, with the commands that grant it and no more", async () => {
    const denied = ["patch apps deployments llmctl", "get  pods/log llmctl", "create  namespaces "];
    api = await cluster(denied);
    const kube = await api.kube();
    const missing = await missingClusterRights(kube, rightsOfRun(work));
    assert.deepEqual(
      missing.map(({ verb, resource }: ClusterRight) => `${verb} ${resource}`),
      ["create namespaces", "patch deployments", "get pods/log"],
    );
    const { problem, fix } = refusedRights(kube, missing, await whoAmI(kube));
    assert.equal(
      problem,
      `ann o'neil of context "stub" may not create namespaces in the whole cluster; nor patch deployments.apps; get pods/log in namespace llmctl.`,
    );
    const user = `--user='ann o'\\''neil'`;
    assert.equal(
      fix,
      `Have an administrator of the cluster run: ${[
        "kubectl create clusterrole mcp-fleet --verb=create --resource=namespaces",
        `kubectl create clusterrolebinding mcp-fleet --clusterrole=mcp-fleet ${user}`,
        "kubectl create role mcp-fleet -n llmctl --verb=patch --resource=deployments.apps",
        `kubectl create rolebinding mcp-fleet -n llmctl --role=mcp-fleet ${user}`,
        "kubectl create role mcp-fleet-2 -n llmctl --verb=get --resource=pods/log",
        `kubectl create rolebinding mcp-fleet-2 -n llmctl --role=mcp-fleet-2 ${user}`,
      ].join(" && ")}`,
    );
  });
});
