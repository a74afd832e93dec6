import { type MadeKind, type RunWork, workOfRun } from "@mcp-fleet/cluster";
import { workloadKind } from "@mcp-fleet/schema";
import * as pulumi from "@pulumi/pulumi";

import { meshApi } from "../components/mesh";
import { hasRights } from "../components/server";
import { seeCluster } from "./cluster";
import type { StackConfig } from "./config";
import { wantedKinds } from "./custom-kinds";
import { probeTargets } from "./cutover-spec";

type Settings = Pick<StackConfig, "settings" | "servers" | "secrets" | "locks">;

/** The kinds of objects that this stack creates. A test compares them with what the program registers. */
export function madeKinds(config: Settings): MadeKind[] {
  const { settings, servers, secrets } = config;
  const { studio, mesh, manager, observability, network } = settings;
  const agents = Object.values(mesh?.agents ?? {});
  const { observer, exporter } = observability;
  const checks = observability.enabled && exporter !== undefined && settings.cutover.enabled;
  const watches = observability.enabled && observer !== undefined;
  const operated = [...servers, ...agents];
  const kept = servers.filter((server) => workloadKind(server) === "StatefulSet");
  const deployments =
    servers.length > kept.length ||
    studio.enabled ||
    agents.length > 0 ||
    manager.enabled ||
    watches ||
    checks;
  const statefulSets = kept.length > 0 || mesh !== undefined;
  const when = (condition: boolean, apiVersion: string, ...kinds: readonly string[]): MadeKind[] =>
    condition ? kinds.map((kind) => ({ apiVersion, kind })) : [];
  return [
    ...when(settings.createNamespace, "v1", "Namespace"),
    ...when(deployments, "apps/v1", "Deployment"),
    ...when(statefulSets, "apps/v1", "StatefulSet"),
    ...when(deployments || statefulSets, "v1", "Service", "ServiceAccount"),
    ...when(network.isolate !== "none", "networking.k8s.io/v1", "NetworkPolicy"),
    ...when(
      studio.enabled ||
        mesh !== undefined ||
        (observability.enabled && observability.dashboards.enabled) ||
        servers.some(({ source }) => source === "code"),
      "v1",
      "ConfigMap",
    ),
    ...when(
      studio.enabled ||
        servers.some(({ key }) => key in secrets.servers) ||
        (manager.enabled && manager.token === undefined) ||
        checks ||
        (mesh !== undefined && "managed" in mesh.registry.storage),
      "v1",
      "Secret",
    ),
    ...when(
      operated.some(({ autoscaling }) => autoscaling !== undefined),
      "autoscaling/v2",
      "HorizontalPodAutoscaler",
    ),
    ...when(
      operated.some(({ disruptionBudget }) => disruptionBudget !== undefined),
      "policy/v1",
      "PodDisruptionBudget",
    ),
    ...when(
      manager.enabled || watches || servers.some(hasRights),
      "rbac.authorization.k8s.io/v1",
      "Role",
      "RoleBinding",
    ),
    ...when(mesh?.defineAgents === true, "apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    ...when(agents.length > 0, `${meshApi.group}/${meshApi.version}`, "MCPAgent"),
    ...wantedKinds(config).map(({ apiVersion, kind }) => ({ apiVersion, kind })),
  ];
}

/** What an update of this stack does in its cluster. */
function runWork(config: Settings): RunWork {
  const { namespace, cutover, target, probe, database } = config.settings;
  const targets = probeTargets(namespace, config.servers, config.secrets, config.locks);
  return workOfRun({
    ...{ namespace, kinds: madeKinds(config) },
    ...(cutover.enabled ? { cutover: { target, probe, database, targets } } : {}),
  });
}

/**
 * Checks that the kubeconfig's identity may do everything that an update does, before anything is created:
 * otherwise the update would stop half-way. A preview only warns, because it may run with fewer rights. If the
 * cluster does not answer, the update reports that itself.
 *
 * @throws UserError in an update, naming the rights and the commands that grant them
 */
export async function requireRights(
  config: Settings & Pick<StackConfig, "kubernetes">,
): Promise<void> {
  // In render mode there is no cluster.
  if (config.kubernetes.rendered) return;
  const { missingClusterRights, refusedRights, rightsOfRun, whoAmI } =
    await import("@mcp-fleet/cluster");
  const seen = await seeCluster(config.kubernetes, async (kube) => {
    const missing = await missingClusterRights(kube, rightsOfRun(runWork(config)));
    return missing.length === 0 ? undefined : refusedRights(kube, missing, await whoAmI(kube));
  });
  if (!("answer" in seen) || seen.answer === undefined) return;
  if (!pulumi.runtime.isDryRun()) throw seen.answer;
  const { problem, fix } = seen.answer;
  await pulumi.log.warn(`An update as this identity would be refused: ${problem}\n${fix}`);
}
