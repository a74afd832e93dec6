import { componentLabel, managedByLabel, partOfLabel } from "@mcp-fleet/kube";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import {
  type ClusterNetwork,
  dnsEgress,
  managedBy,
  mcpServerComponent,
  objectLabels,
} from "../core";
import type { Consumer } from "../server";

/** Which pods may connect to nobody and be called by nobody by default. */
export type IsolationScope = "namespace" | "fleet" | "none";

/** Arguments of {@link Isolation}. */
export interface IsolationArgs {
  readonly namespace: string;
  readonly application: string;
  /** Whether the namespace is created here, with Pod Security "restricted" enforced. */
  readonly createNamespace: boolean;
  /**
   * Whether the namespace outlives the stack, because claims in it would be deleted with it.
   * @default false
   */
  readonly keepNamespace?: boolean;
  /**
   * `namespace`: every pod in it; `fleet`: only this program's pods, for a namespace shared with workloads that
   * have no policies of their own; `none`: no policy at all.
   */
  readonly scope: IsolationScope;
  /** Pods that call MCP servers and are not created here: they get egress to the servers. */
  readonly consumers: readonly Consumer[];
  /** @default as for a server */
  readonly clusterNetwork?: ClusterNetwork;
}

/** The namespace and the NetworkPolicies that close it by default. */
export class Isolation extends pulumi.ComponentResource {
  static readonly type = "mcp-fleet:namespace:Isolation";

  /** What must exist before anything is created in the namespace. */
  readonly ready: readonly pulumi.Resource[];

  private readonly args: IsolationArgs;
  private readonly name: string;
  private readonly namespace: k8s.core.v1.Namespace | undefined;

  constructor(name: string, args: IsolationArgs, opts?: pulumi.ComponentResourceOptions) {
    super(Isolation.type, name, { namespace: args.namespace, scope: args.scope }, opts);
    this.args = args;
    this.name = name;
    this.namespace = args.createNamespace ? this.createNamespace() : undefined;
    const policies = args.scope === "none" ? [] : this.createPolicies();
    this.ready = [...(this.namespace === undefined ? [] : [this.namespace]), ...policies];
    this.registerOutputs({});
  }

  private createNamespace(): k8s.core.v1.Namespace {
    const level = { enforce: "restricted", warn: "restricted", audit: "restricted" };
    const pss = Object.entries(level).map(([mode, value]) => [
      `pod-security.kubernetes.io/${mode}`,
      value,
    ]);
    return new k8s.core.v1.Namespace(
      this.args.namespace,
      {
        metadata: {
          name: this.args.namespace,
          labels: {
            [partOfLabel]: this.args.application,
            [managedByLabel]: managedBy,
            ...(Object.fromEntries(pss) as Record<string, string>),
          },
        },
      },
      { parent: this, retainOnDelete: this.args.keepNamespace ?? false },
    );
  }

  private createPolicies(): k8s.networking.v1.NetworkPolicy[] {
    const ours = { matchLabels: { [managedByLabel]: managedBy } };
    const podSelector = this.args.scope === "namespace" ? {} : ours;
    const closed = this.policy("default-deny", {
      podSelector,
      policyTypes: ["Ingress", "Egress"],
    });
    // In an isolated namespace the consumers need egress; elsewhere a policy would isolate them.
    const wayOut =
      this.args.scope === "namespace"
        ? this.args.consumers.map((consumer) => this.consumerPolicy(consumer))
        : [];
    return [closed, ...wayOut];
  }

  private consumerPolicy(consumer: Consumer): k8s.networking.v1.NetworkPolicy {
    const servers = {
      [componentLabel]: mcpServerComponent,
      [partOfLabel]: this.args.application,
    };
    return this.policy(`allow-${consumer.name}`, {
      podSelector: { matchLabels: { ...consumer.labels } },
      policyTypes: ["Egress"],
      egress: [
        ...dnsEgress(this.args.clusterNetwork?.dns),
        { to: [{ podSelector: { matchLabels: servers } }] },
      ],
    });
  }

  private policy(
    suffix: string,
    spec: k8s.types.input.networking.v1.NetworkPolicySpec,
  ): k8s.networking.v1.NetworkPolicy {
    const name = `${this.args.application}-${suffix}`;
    return new k8s.networking.v1.NetworkPolicy(
      `${this.name}-${suffix}`,
      {
        metadata: {
          name,
          namespace: this.args.namespace,
          labels: objectLabels({
            name,
            component: "network-policy",
            application: this.args.application,
          }),
        },
        spec,
      },
      { parent: this, ...(this.namespace === undefined ? {} : { dependsOn: [this.namespace] }) },
    );
  }
}
