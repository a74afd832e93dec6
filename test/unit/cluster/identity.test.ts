import assert from "node:assert/strict";

import {
  type ClusterIdentity,
  matches,
  policyEnforcement,
  refusalOf,
  requirePlaces,
} from "@mcp-fleet/cluster";
import { isUserError } from "@mcp-fleet/errors";
import type { Kube } from "@mcp-fleet/kube";

const uid = "70d7ff6f-59b3-4ec2-ac53-04e7102130ab";
const agentic: ClusterIdentity = {
  ...{ uid, context: "work", server: "https://10.20.0.40:6443" },
  nodes: ["10.20.0.40", "10.20.0.41"],
};

describe("which cluster it is", () => {
  it("is told by the UID of kube-system or by the nodes' network, never by the context's name", () => {
    assert.equal(matches(uid.toUpperCase(), agentic), "all");
    assert.equal(matches("10.20.0.0/24", agentic), "all");
    assert.equal(matches("10.20.0.40/32", agentic), "some");
    assert.equal(matches("10.10.0.0/24", agentic), "none");
    assert.equal(matches("2001:db8::/32", { ...agentic, nodes: ["2001:db8::1"] }), "all");
  });

  it("is refused when a node is in a forbidden range, and unless all are in an allowed one", () => {
    assert.equal(refusalOf(agentic, ["10.20.0.0/24"], ["10.10.0.0/24"]), undefined);
    assert.equal(refusalOf(agentic, [], []), undefined);
    assert.equal(refusalOf(agentic, ["10.20.0.40/32"], [])?.list, "allowed");
    assert.equal(refusalOf(agentic, [uid], ["10.20.0.41/32"])?.list, "forbidden");
    assert.equal(refusalOf({ ...agentic, nodes: [] }, ["0.0.0.0/0"], [])?.list, "allowed");
  });

  it("takes rules that name a cluster only", () => {
    const of = (clusters: string[]): unknown => ({ clusters, namespaces: [] });
    for (const wrong of ["prod", "10.20.0.0", "10.20.0.0/33"]) {
      assert.throws(() => requirePlaces(of([wrong]) as never, of([]) as never), isUserError);
    }
    assert.throws(() => requirePlaces(of([]) as never, of([]) as never), /Nothing says where/);
  });
});

describe("whether a cluster enforces NetworkPolicies", () => {
  const running = (name: string, image: string, args: string[] = []): Promise<string> => {
    const daemonSet = {
      metadata: { name, namespace: "kube-system" },
      spec: { template: { spec: { containers: [{ image, args }] } } },
    };
    const apps = { listDaemonSetForAllNamespaces: () => Promise.resolve({ items: [daemonSet] }) };
    return policyEnforcement({ apps } as unknown as Kube).then(({ enforced }) => enforced);
  };

  it("is read from the network plugin's DaemonSet, and not guessed", async () => {
    assert.equal(await running("cilium", "quay.io/cilium/cilium:v1.18.2"), "yes");
    assert.equal(await running("kube-flannel-ds", "flannel/flannel:v0.27.0"), "no");
    assert.equal(await running("kindnet", "docker.io/kindest/kindnetd:v20250512-df8de77b"), "yes");
    assert.equal(await running("kindnet", "docker.io/kindest/kindnetd:v20240202-8f1494ea"), "no");
    assert.equal(await running("aws-node", "amazon-k8s-cni:v1.20"), "no");
    assert.equal(await running("aws-node", "cni:v1", ["--enable-network-policy=true"]), "yes");
    assert.equal(await running("node-exporter", "prom/node-exporter:v1.9.0"), "unknown");
  });
});
