import { workloadKind } from "@mcp-fleet/schema";
import type * as pulumi from "@pulumi/pulumi";

import { ResourceManager } from "../components/manager";
import type { StackConfig } from "./config";
import { clusterNetwork } from "./network";

/** The resource manager, if it is enabled. */
export function manage(
  config: StackConfig,
  isolated: string,
  opts: pulumi.ComponentResourceOptions,
): ResourceManager | undefined {
  const { settings, servers } = config;
  const { manager, application, namespace } = settings;
  const kept = servers.filter((server) => workloadKind(server) === "StatefulSet");
  if (!manager.enabled) return undefined;
  return new ResourceManager(
    `${application}-manager`,
    {
      namespace,
      application,
      // The schema has validated it.
      image: manager.image ?? "",
      servers: servers.map(({ name }) => name),
      statefulSets: kept.map(({ name }) => name),
      authorities: [
        ...new Set(
          servers.flatMap(({ tls }) =>
            tls?.ca !== undefined && "configMap" in tls.ca ? [tls.ca.configMap] : [],
          ),
        ),
      ],
      forceStop: manager.forceStop,
      scaleToZero: manager.scaleToZero,
      token: manager.token,
      tokenVersion: manager.tokenVersion,
      clients: manager.clients.map(({ name, labels, namespace: namespaceLabels }) => ({
        name,
        labels,
        namespaceLabels,
      })),
      closedNamespace: isolated === "namespace",
      imagePullSecrets: settings.imagePullSecrets,
      ...clusterNetwork(config),
      networkPolicy: isolated !== "none",
    },
    opts,
  );
}
