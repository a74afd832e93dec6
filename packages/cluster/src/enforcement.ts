import { asking, type Kube } from "@mcp-fleet/kube";

/** Whether NetworkPolicies do anything in a cluster. An API server takes them even where nothing acts on them. */
export interface PolicyEnforcement {
  readonly enforced: "yes" | "no" | "unknown";
  /** What this was read from, in one sentence. */
  readonly reason: string;
}

/** A network plugin as it shows in a cluster: the name of its DaemonSet. */
interface Plugin {
  readonly daemonSet: RegExp;
  readonly name: string;
  readonly enforced:
    "yes" | "no" | ((images: readonly string[], args: readonly string[]) => boolean);
}

const plugins: readonly Plugin[] = [
  { daemonSet: /^(cilium|anetd)$/, name: "Cilium", enforced: "yes" },
  { daemonSet: /^(calico-node|canal)$/, name: "Calico", enforced: "yes" },
  { daemonSet: /^antrea-agent$/, name: "Antrea", enforced: "yes" },
  { daemonSet: /^kube-router$/, name: "kube-router", enforced: "yes" },
  { daemonSet: /^ovnkube-node$/, name: "OVN-Kubernetes", enforced: "yes" },
  { daemonSet: /^weave-net$/, name: "Weave Net", enforced: "yes" },
  { daemonSet: /^azure-npm$/, name: "Azure Network Policy Manager", enforced: "yes" },
  {
    daemonSet: /^aws-node$/,
    name: "Amazon VPC CNI",
    // Its second container does it, and only when told to.
    enforced: (_, args) => args.includes("--enable-network-policy=true"),
  },
  {
    daemonSet: /^kindnet$/,
    name: "kindnet",
    // kind 0.24 brought the image of 13 August 2024, the first that does.
    enforced: (images) =>
      images.some((image) => Number(/kindnetd:v(\d{8})/.exec(image)?.[1] ?? 0) >= 20240813),
  },
  { daemonSet: /^kube-flannel(-ds)?$/, name: "Flannel", enforced: "no" },
];

/**
 * Looks for a network plugin that is known among the cluster's DaemonSets. One that runs outside of Kubernetes, as
 * k3s's own or the plain bridge plugin do, cannot be seen through the API: then the answer is `unknown`.
 *
 * @throws {UserError} when the cluster does not answer, or may not be asked for DaemonSets
 */
export async function policyEnforcement(kube: Kube): Promise<PolicyEnforcement> {
  const { items } = await asking(kube, "list DaemonSets of all namespaces", () =>
    kube.apps.listDaemonSetForAllNamespaces(),
  );
  const found = items.flatMap(({ metadata, spec }) => {
    const plugin = plugins.find(({ daemonSet }) => daemonSet.test(metadata?.name ?? ""));
    if (plugin === undefined) return [];
    const containers = spec?.template.spec?.containers ?? [];
    const images = containers.map(({ image }) => image ?? "");
    const args = containers.flatMap(({ args: own }) => own ?? []);
    const { enforced } = plugin;
    const answer = typeof enforced === "function" ? enforced(images, args) : enforced === "yes";
    return [{ place: `${metadata?.namespace}/${metadata?.name}`, name: plugin.name, answer }];
  });
  const one = found.find(({ answer }) => answer) ?? found[0];
  if (one === undefined) {
    return {
      enforced: "unknown",
      reason: "No DaemonSet of a known network plugin runs here; ask whoever runs the cluster.",
    };
  }
  return {
    enforced: one.answer ? "yes" : "no",
    reason: `DaemonSet ${one.place} is ${one.name}, which ${one.answer ? "enforces" : "does not enforce"} NetworkPolicies as it is set up.`,
  };
}
