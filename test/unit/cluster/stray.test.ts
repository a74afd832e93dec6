import assert from "node:assert/strict";

import { findStray, strayReport } from "@mcp-fleet/cluster";
import type { Kube } from "@mcp-fleet/kube";

const workload = (namespace: string, name: string, image: string, labels = {}): unknown => ({
  metadata: { namespace, name, labels },
  spec: { template: { metadata: { labels }, spec: { containers: [{ image }] } } },
});

/** A cluster with these Deployments and nothing else. */
function clusterOf(...deployments: unknown[]): Kube {
  const items = (list: unknown[]) => () => Promise.resolve({ items: list });
  return {
    context: "monit",
    core: {
      readNamespace: () => Promise.resolve({ metadata: { uid: "uid" } }),
      listServiceForAllNamespaces: items([]),
    },
    apps: {
      listDeploymentForAllNamespaces: items(deployments),
      listStatefulSetForAllNamespaces: items([]),
      listDaemonSetForAllNamespaces: items([]),
    },
  } as unknown as Kube;
}

describe("stray MCP servers", () => {
  const allowed = { clusters: [], namespaces: ["ai-platform"] };
  const nothing = { clusters: [], namespaces: [] };

  it("are known by label, name or repository, never by the registry they come from", async () => {
    const kube = clusterOf(
      workload("default", "outline", "x/outline:1", { component: "mcp" }),
      workload("default", "clock-mcp", "x/clock:1"),
      workload("default", "issues", "ghcr.io/github/github-mcp-server:v1.10.1"),
      workload("kube-system", "coredns", "mcp-fleet.local/coredns:1.12"),
      workload("ai-platform", "fine-mcp", "x/fine:1"),
    );
    const { cluster, servers } = await findStray(kube, allowed, nothing);
    assert.deepEqual(
      servers.map(({ name, evidence }) => [name, evidence]),
      [
        ["outline", "label"],
        ["clock-mcp", "name"],
        ["issues", "image"],
      ],
    );
    // A command that removes something is printed only if a label identifies the object.
    const lines = strayReport(cluster, servers, allowed).filter((line) => /kubectl/.test(line));
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? "", /delete deployment\/outline$/);
  });
});
