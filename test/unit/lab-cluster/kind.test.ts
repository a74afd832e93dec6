import assert from "node:assert/strict";

import { UserError } from "@mcp-fleet/errors";

import { kindConfig } from "../../../lab/cluster/kind-config";
import { pinnedVersion } from "../../../lab/go-modules";
import { standsFor } from "../../../lab/images/kind-node";
import { imagesCanBePulled } from "../../../lab/registries";

interface Shown {
  readonly networking?: object;
  readonly nodes?: readonly { readonly extraMounts: readonly object[] }[];
}

describe("the lab on kind", () => {
  it("takes kind's own node as it is", () => {
    const { networking, nodes } = kindConfig() as Shown;
    assert.deepEqual({ networking, nodes }, { networking: undefined, nodes: undefined });
  });

  it("gives a node of its own the images that kubeadm asks for, and the network that is in it", () => {
    const { networking, nodes } = kindConfig("/cache/kind-1") as Shown;
    assert.deepEqual(networking, { disableDefaultCNI: true, kubeProxyMode: "nftables" });
    assert.deepEqual(nodes?.[0]?.extraMounts, [
      { hostPath: "/cache/kind-1", containerPath: "/kind/lab", readOnly: true },
    ]);
  });

  it("has an image for each that kubeadm asks for", () => {
    const asked = {
      "registry.k8s.io/kube-apiserver:v1.36.3": "kind-components",
      "registry.k8s.io/kube-proxy:v1.36.3": "kind-components",
      "registry.k8s.io/etcd:3.6.8-0": "kind-components",
      "registry.k8s.io/coredns/coredns:v1.14.2": "kind-dns",
      "registry.k8s.io/pause:3.10.1": "pause",
    };
    for (const [wanted, ours] of Object.entries(asked)) assert.equal(standsFor(wanted), ours);
    assert.throws(() => standsFor("registry.k8s.io/konnectivity:v1"), /konnectivity/);
  });

  it("has kubeadm of the version that the node runs", () => {
    const module = "k8s.io/kubernetes";
    assert.equal(pinnedVersion("kubeadm", module), pinnedVersion("cluster", module));
  });

  it("pulls images or makes them as LAB_REGISTRIES says", async () => {
    assert.equal(await imagesCanBePulled({ LAB_REGISTRIES: "none" }), false);
    assert.equal(await imagesCanBePulled({ LAB_REGISTRIES: "any" }), true);
    await assert.rejects(imagesCanBePulled({ LAB_REGISTRIES: "some" }), UserError);
  });
});
