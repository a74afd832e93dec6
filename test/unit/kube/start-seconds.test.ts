import assert from "node:assert/strict";

import { startSeconds } from "@mcp-fleet/kube";

const withProbe = (startupProbe?: object): Parameters<typeof startSeconds>[0] => ({
  spec: {
    selector: {},
    template: { spec: { containers: [{ name: "server", image: "i:1", startupProbe }] } },
  },
});

describe("how long a server has to start", () => {
  it("is what its startup probe gives it, with the defaults of Kubernetes", () => {
    assert.equal(startSeconds(withProbe()), 0);
    assert.equal(startSeconds(withProbe({})), 30);
    assert.equal(startSeconds(withProbe({ failureThreshold: 90, periodSeconds: 2 })), 180);
    assert.equal(startSeconds(withProbe({ failureThreshold: 1, initialDelaySeconds: 5 })), 15);
  });
});
