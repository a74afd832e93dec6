import { strict as assert } from "node:assert";

import { type Agent, type AgentObject, sameStatus, statusOf } from "@mcp-fleet/observer";

const first = "2026-11-25T02:00:00Z";
const later = "2026-11-25T02:05:00Z";
const agent = (status: string, unresolved = 0): Agent => ({
  id: `greeter-${status}`,
  name: "greeter",
  status,
  lastSeen: "2026-11-25T01:59:58.123456789Z",
  unresolved,
});
const declared: AgentObject = {
  metadata: { name: "greeter", generation: 3 },
  spec: { agentName: "greeter", replicas: 1 },
};
const known = (phase: "Healthy" | "Lost"): AgentObject => ({
  ...declared,
  status: {
    ...statusOf(declared, [agent(phase === "Healthy" ? "healthy" : "unhealthy")], first),
    phase,
  },
});

describe("the status of a declared agent", () => {
  it("is Pending until the registry knows it", () => {
    const status = statusOf(declared, [], first);
    assert.equal(status.phase, "Pending");
    assert.equal(status.observedGeneration, 3);
    assert.deepEqual(status.conditions[0]?.reason, "NotInRegistry");
  });

  it("is Healthy with a healthy process, whatever the registry remembers of older ones", () => {
    const status = statusOf(declared, [agent("unhealthy", 2), agent("healthy")], first);
    assert.equal(status.phase, "Healthy");
    assert.equal(status.unresolvedDependencies, 0);
    assert.equal(status.lastSeen, "2026-11-25T01:59:58Z");
  });

  it("is Degraded below the declared replicas", () => {
    const two = { ...declared, spec: { agentName: "greeter", replicas: 2 } };
    assert.equal(statusOf(two, [agent("healthy")], first).phase, "Degraded");
  });

  it("is Lost when an agent that was known is not healthy, and also when the registry forgot it", () => {
    assert.equal(statusOf(known("Healthy"), [agent("unhealthy")], later).phase, "Lost");
    assert.equal(statusOf(known("Healthy"), [], later).phase, "Lost");
    assert.equal(statusOf(known("Lost"), [agent("healthy")], later).phase, "Healthy");
  });

  it("keeps the time of the last turn, so that an unchanged status is not written again", () => {
    const before = known("Healthy");
    const again = statusOf(before, [agent("healthy")], later);
    assert.equal(again.conditions[0]?.lastTransitionTime, first);
    assert.equal(sameStatus(before.status, again), true);
    const lost = statusOf(before, [], later);
    assert.equal(lost.conditions[0]?.lastTransitionTime, later);
    assert.equal(sameStatus(before.status, lost), false);
  });
});
