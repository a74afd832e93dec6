import { kindNodeMount } from "../images/kind-node";

/**
 * What kind is told of the lab's cluster.
 *
 * @param images a directory with the images of what runs in a node that the lab made. Default: the node is kind's own, and
 * has them.
 */
export function kindConfig(images?: string): object {
  const settings = [
    // A machine's control groups may be of the old kind still.
    { kind: "KubeletConfiguration", failCgroupV1: false, oomScoreAdj: 0 },
    { kind: "KubeProxyConfiguration", oomScoreAdj: 0 },
  ];
  return {
    kind: "Cluster",
    apiVersion: "kind.x-k8s.io/v1alpha4",
    ...(images === undefined
      ? {}
      : {
          // Its pods' network is in the node itself (lab/images/kind-node).
          networking: { disableDefaultCNI: true, kubeProxyMode: "nftables" },
          nodes: [
            {
              role: "control-plane",
              extraMounts: [{ hostPath: images, containerPath: kindNodeMount, readOnly: true }],
              kubeadmConfigPatches: settings.map((one) => JSON.stringify(one)),
            },
          ],
        }),
  };
}
