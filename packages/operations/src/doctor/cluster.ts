import {
  identify,
  missingClusterRights,
  missingKinds,
  refusedRights,
  rightsOfRun,
  type RunWork,
  whoAmI,
} from "@mcp-fleet/cluster";
import { isUserError } from "@mcp-fleet/errors";
import { asking, type Kube, serverAbout } from "@mcp-fleet/kube";

import { clockFinding } from "./clock";
import { bad, checked, type Finding, ok, refused } from "./finding";

/** The first Kubernetes release with `preStop.sleep` on by default (docs/quickstart.md). */
const oldest = [1, 30] as const;

/** API groups that are part of Kubernetes itself. */
const builtIn = /^(v1|(apps|batch|policy|autoscaling)\/.*|[a-z.]+\.k8s\.io\/.*)$/;

/**
 * Checks the cluster for an update: its identity, version, permissions, custom resource definitions, network
 * policies and clock. A cluster that does not answer is one finding.
 * @param work what an update would do; without it, permissions and definitions are not checked
 */
export async function checkCluster(kube: Kube, work: RunWork | undefined): Promise<Finding[]> {
  const before = Date.now();
  let about: Awaited<ReturnType<typeof serverAbout>>;
  try {
    about = await asking(kube, "read its version", () => serverAbout(kube));
  } catch (error) {
    return [refused("cluster", error)];
  }
  const after = Date.now();
  const parts = await Promise.all([
    checked("cluster", () => which(kube, about.version)),
    ...(work === undefined
      ? []
      : [checked("rights", () => rights(kube, work)), checked("kinds", () => kinds(kube, work))]),
  ]);
  const { clock } = about;
  return [
    ...parts.flat(),
    policies,
    ...(clock === undefined
      ? []
      : [clockFinding("clock", "The cluster's clock", { there: clock, before, after })]),
  ];
}

/** An API server accepts NetworkPolicies even where no plugin enforces them, so only a test connection shows it. */
const policies: Finding = {
  check: "network policies",
  state: "unseen",
  said: "whether they are enforced shows only by trying, once servers run",
  fix: "After the first update: mcp-fleet verify --deny",
};

async function which(kube: Kube, version: string): Promise<Finding[]> {
  const place = `context ${kube.context}, ${kube.server}, Kubernetes ${version}`;
  const [, major = "0", minor = "0"] = /^v?(\d+)\.(\d+)/.exec(version) ?? [];
  const isOld =
    Number(major) < oldest[0] || (Number(major) === oldest[0] && Number(minor) < oldest[1]);
  if (isOld)
    return [
      bad("cluster", `${place}; ${oldest.join(".")} or newer is needed`, "Upgrade the cluster."),
    ];
  try {
    const { uid } = await identify(kube, []);
    return [ok("cluster", `${place}, kube-system ${uid}`)];
  } catch (error) {
    if (!isUserError(error)) throw error;
    // The cluster's identity matters only to stacks that list clusters in `allowed`.
    return [ok("cluster", `${place}; this identity may not read the cluster's identity`)];
  }
}

async function rights(kube: Kube, work: RunWork): Promise<Finding[]> {
  const needed = rightsOfRun(work);
  const missing = await missingClusterRights(kube, needed);
  const who = await whoAmI(kube);
  if (missing.length > 0) return [refused("rights", refusedRights(kube, missing, who))];
  return [
    ok("rights", `${who ?? "the identity"} may do all ${needed.length} things that an update does`),
  ];
}

async function kinds(kube: Kube, { kinds: made }: RunWork): Promise<Finding[]> {
  const foreign = made.filter(({ apiVersion }) => !builtIn.test(apiVersion));
  // The stack creates these definitions itself.
  const defines = made.some(({ kind }) => kind === "CustomResourceDefinition");
  const names = [...new Set(foreign.map(({ apiVersion, kind }) => `${kind} (${apiVersion})`))];
  if (names.length === 0) return [ok("kinds", "no object of a custom kind")];
  const missing = await missingKinds(kube, foreign);
  const left = missing.filter(({ kind }) => !(defines && kind === "MCPAgent"));
  if (left.length === 0) return [ok("kinds", `the cluster knows ${names.join(", ")}`)];
  return [
    bad(
      "kinds",
      `the cluster does not know ${[...new Set(left.map(({ apiVersion, kind }) => `${kind} (${apiVersion})`))].join(", ")}`,
      "Install the operator that brings them, or remove what needs them from the configuration.",
    ),
  ];
}
