import { componentLabel, nameLabel } from "@mcp-fleet/kube";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { requireServiceName, serviceUrl } from "../core";
import type { MeshAgentArgs } from "./agent";
import { agentChartValues, registryChartValues, type Values } from "./publisher-values";
import type { MeshRegistryArgs } from "./registry-args";

/** The version and source of the publisher's charts. */
export interface PublisherChart {
  /** For example 3.6.0. */
  readonly version: string;
  /**
   * Where the charts are: a mirror, or a directory.
   * @default the publisher's registry
   */
  readonly repository?: string;
}

const publisher = "oci://ghcr.io/dhyansraj/mcp-mesh";

/** The registry by its publisher's own chart, from the arguments of {@link MeshRegistry}. It is a Deployment there. */
export class MeshRegistryChart extends pulumi.ComponentResource {
  static readonly type = "mcp-fleet:mesh:MeshRegistryChart";

  readonly url: string;
  readonly selector: Record<string, string>;
  readonly ready: readonly pulumi.Resource[];

  /** @throws UserError for an invalid Service name, and for PostgreSQL without its host */
  constructor(
    name: string,
    args: MeshRegistryArgs,
    chart: PublisherChart,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super(MeshRegistryChart.type, name, { serviceName: args.serviceName }, opts);
    requireServiceName(args.serviceName, `MeshRegistryChart ${name}`);
    const values = registryChartValues(args);
    this.ready = [createChart(this, name, "mcp-mesh-registry", chart, args.namespace, values)];
    this.url = serviceUrl(args.serviceName, args.namespace, args.port, "");
    this.selector = {
      [nameLabel]: args.serviceName,
      [componentLabel]: "registry",
    };
    this.registerOutputs({ url: this.url });
  }
}

/** An agent by its publisher's own chart, from the arguments of {@link MeshAgent}. */
export class MeshAgentChart extends pulumi.ComponentResource {
  static readonly type = "mcp-fleet:mesh:MeshAgentChart";

  readonly url: string;

  /** @throws UserError for an invalid Service name, and for a variable that the chart does not support */
  constructor(
    name: string,
    args: MeshAgentArgs,
    chart: PublisherChart,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super(MeshAgentChart.type, name, { serviceName: args.serviceName }, opts);
    requireServiceName(args.serviceName, `MeshAgentChart ${name}`);
    createChart(this, name, "mcp-mesh-agent", chart, args.namespace, agentChartValues(args));
    this.url = serviceUrl(args.serviceName, args.namespace, args.port, "/mcp");
    this.registerOutputs({ url: this.url });
  }
}

function createChart(
  parent: pulumi.Resource,
  name: string,
  chart: string,
  { version, repository }: PublisherChart,
  namespace: string,
  values: Values,
): k8s.helm.v4.Chart {
  const packaged = (repository ?? publisher).startsWith("oci://");
  return new k8s.helm.v4.Chart(
    name,
    {
      chart: `${repository ?? publisher}/${chart}`,
      // A directory contains one version.
      ...(packaged ? { version } : {}),
      name,
      namespace,
      values,
    },
    { parent },
  );
}
