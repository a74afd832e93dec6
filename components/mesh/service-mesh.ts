import { partOfLabel } from "@mcp-fleet/kube";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import type { ServiceMeshKind } from "../core";

const peerAuthentication = { apiVersion: "security.istio.io/v1", kind: "PeerAuthentication" };
const destinationRule = { apiVersion: "networking.istio.io/v1", kind: "DestinationRule" };
const virtualService = { apiVersion: "networking.istio.io/v1", kind: "VirtualService" };
const server = { apiVersion: "policy.linkerd.io/v1beta3", kind: "Server" };
const serviceProfile = { apiVersion: "linkerd.io/v1alpha2", kind: "ServiceProfile" };

/** The kinds of objects for each service mesh, which brings their definitions. */
export const serviceMeshKinds = {
  istio: [peerAuthentication, destinationRule, virtualService],
  linkerd: [server, serviceProfile],
} as const;

/** Timeout, retries and circuit breaker of calls between agents. */
export interface TrafficPolicy {
  /** A call that takes longer fails, in seconds. */
  readonly timeoutSeconds: number;
  readonly retries: { readonly attempts: number; readonly perTrySeconds: number };
  /** When a failing pod gets no calls for a while: the circuit breaker. Istio only. */
  readonly outlier: {
    readonly consecutiveErrors: number;
    readonly intervalSeconds: number;
    readonly ejectionSeconds: number;
  };
}

/** A Service of the mesh that gets policies. */
export interface MeshedService {
  readonly name: string;
  readonly port: number;
  readonly selector: Readonly<Record<string, string>>;
  /** Overrides for this Service. */
  readonly traffic?: Partial<TrafficPolicy>;
}

/** Arguments of {@link ServiceMeshPolicies}. */
export interface ServiceMeshPoliciesArgs {
  readonly namespace: string;
  readonly application: string;
  readonly kind: ServiceMeshKind;
  readonly traffic: TrafficPolicy;
  readonly services: readonly MeshedService[];
}

/** mTLS, timeout, retries and outlier detection of the cluster's service mesh. */
export class ServiceMeshPolicies extends pulumi.ComponentResource {
  static readonly type = "mcp-fleet:mesh:ServiceMeshPolicies";

  private readonly args: ServiceMeshPoliciesArgs;
  private readonly name: string;

  constructor(name: string, args: ServiceMeshPoliciesArgs, opts?: pulumi.ComponentResourceOptions) {
    super(ServiceMeshPolicies.type, name, { kind: args.kind, namespace: args.namespace }, opts);
    this.args = args;
    this.name = name;
    if (args.kind === "istio") this.createIstio();
    else args.services.forEach((service) => this.createLinkerd(service));
    this.registerOutputs({});
  }

  private createIstio(): void {
    const { application, services } = this.args;
    const partOf = { [partOfLabel]: application };
    this.object("mtls", peerAuthentication, {
      selector: { matchLabels: partOf },
      mtls: { mode: "STRICT" },
    });
    for (const { name, port, traffic: own } of services) {
      const traffic = { ...this.args.traffic, ...own };
      this.object(name, destinationRule, {
        host: name,
        trafficPolicy: {
          tls: { mode: "ISTIO_MUTUAL" },
          outlierDetection: {
            consecutive5xxErrors: traffic.outlier.consecutiveErrors,
            interval: `${traffic.outlier.intervalSeconds}s`,
            baseEjectionTime: `${traffic.outlier.ejectionSeconds}s`,
            maxEjectionPercent: 50,
          },
        },
      });
      this.object(name, virtualService, {
        hosts: [name],
        http: [
          {
            route: [{ destination: { host: name, port: { number: port } } }],
            timeout: `${traffic.timeoutSeconds}s`,
            retries: {
              attempts: traffic.retries.attempts,
              perTryTimeout: `${traffic.retries.perTrySeconds}s`,
              // A tool call may already have had its effect: only a call that never reached the process is
              // retried.
              retryOn: "connect-failure,refused-stream,unavailable",
            },
          },
        ],
      });
    }
  }

  private createLinkerd({ name, selector, traffic: own }: MeshedService): void {
    const { namespace } = this.args;
    const traffic = { ...this.args.traffic, ...own };
    this.object(name, server, {
      podSelector: { matchLabels: { ...selector } },
      port: "http",
      proxyProtocol: "HTTP/1",
      // Only proxies of the mesh, which authenticate by mTLS.
      accessPolicy: "cluster-authenticated",
    });
    this.object(`${name}.${namespace}.svc.cluster.local`, serviceProfile, {
      routes: [
        {
          name: "POST /mcp",
          condition: { method: "POST", pathRegex: "/mcp" },
          timeout: `${traffic.timeoutSeconds}s`,
          // A tool call may already have had its effect, so it is not retried.
          isRetryable: false,
        },
        {
          name: "GET",
          condition: { method: "GET", pathRegex: "/.*" },
          timeout: `${traffic.retries.perTrySeconds}s`,
          isRetryable: true,
        },
      ],
      retryBudget: { retryRatio: 0.2, minRetriesPerSecond: 10, ttl: "10s" },
    });
  }

  private object(
    name: string,
    { apiVersion, kind }: { readonly apiVersion: string; readonly kind: string },
    spec: Record<string, unknown>,
  ): k8s.apiextensions.CustomResource {
    const { namespace, application } = this.args;
    const metadata = {
      name: name === "mtls" ? `${application}-mtls` : name,
      namespace,
      labels: { [partOfLabel]: application },
    };
    return new k8s.apiextensions.CustomResource(
      `${this.name}-${name.split(".")[0] ?? name}-${kind.toLowerCase()}`,
      { apiVersion, kind, metadata, spec },
      { parent: this },
    );
  }
}
