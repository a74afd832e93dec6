import assert from "node:assert/strict";

import { type ClusterIdentity, matches, refusalOf, requirePlaces } from "@mcp-fleet/cluster";
import { isUserError } from "@mcp-fleet/errors";

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
