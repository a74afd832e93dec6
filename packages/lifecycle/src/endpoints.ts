import type * as k8s from "@kubernetes/client-node";

type Labels = Readonly<Record<string, string>>;

/**
 * Where a Service can be called, in the forms of seed 004:
 *
 * - ClusterIP: `http://<cluster IP>:<port>`; a headless Service has its DNS name in the address's place
 * - NodePort: `nodePort://*:<node port>`
 * - LoadBalancer: `http://<IP or hostname>:<port>` for each ingress; nothing while there is none
 *
 * The path of an MCP endpoint is no part of a Service.
 */
export function endpointsOf({ metadata, spec }: k8s.V1Service, ingress: Ingress = []): string[] {
  const ports = spec?.ports ?? [];
  switch (spec?.type ?? "ClusterIP") {
    case "ClusterIP": {
      const address = spec?.clusterIP ?? "";
      const headless = address === "" || address === "None";
      const host = headless ? `${metadata?.name}.${metadata?.namespace}.svc` : hostOf(address);
      return ports.map(({ port }) => `http://${host}:${port}`);
    }
    case "NodePort":
      return ports
        .filter(({ nodePort }) => nodePort !== undefined)
        .map(({ nodePort }) => `nodePort://*:${nodePort}`);
    case "LoadBalancer":
      return ingress.flatMap(({ ip, hostname }) => {
        const host = ip === undefined || ip === "" ? hostname : hostOf(ip);
        return host === undefined || host === ""
          ? []
          : ports.map(({ port }) => `http://${host}:${port}`);
      });
    default:
      // ExternalName leads to no pod of ours.
      return [];
  }
}

type Ingress = readonly k8s.V1LoadBalancerIngress[];

/** An IPv6 address goes in brackets in a URL. */
function hostOf(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}

/**
 * Which Services lead to which Deployment's pods: those whose whole selector the pod template's labels hold. Every
 * Service is compared with the Deployments that share its rarest label only, so that a thousand of each are no
 * million comparisons.
 * @returns Services by the Deployment's name, by name; a Deployment without one is absent
 */
export function servicesByDeployment(
  deployments: readonly k8s.V1Deployment[],
  services: readonly k8s.V1Service[],
): Map<string, k8s.V1Service[]> {
  const byLabel = new Map<string, k8s.V1Deployment[]>();
  for (const deployment of deployments) {
    for (const pair of Object.entries(templateLabels(deployment))) {
      const key = pair.join("=");
      const same = byLabel.get(key);
      if (same === undefined) byLabel.set(key, [deployment]);
      else same.push(deployment);
    }
  }
  const found = new Map<string, k8s.V1Service[]>();
  for (const service of services) {
    const selector = Object.entries(service.spec?.selector ?? {});
    const candidates = selector
      .map((pair) => byLabel.get(pair.join("=")) ?? [])
      .sort((a, b) => a.length - b.length)[0];
    for (const deployment of candidates ?? []) {
      const labels = templateLabels(deployment);
      if (!selector.every(([key, value]) => labels[key] === value)) continue;
      const name = deployment.metadata?.name ?? "";
      found.set(name, [...(found.get(name) ?? []), service]);
    }
  }
  for (const list of found.values()) {
    list.sort((a, b) => ((a.metadata?.name ?? "") < (b.metadata?.name ?? "") ? -1 : 1));
  }
  return found;
}

function templateLabels({ spec }: k8s.V1Deployment): Labels {
  return spec?.template.metadata?.labels ?? {};
}

/** The endpoints of all of a server's Services, each once. */
export function endpointsOfAll(services: readonly k8s.V1Service[]): string[] {
  return [
    ...new Set(
      services.flatMap((service) => endpointsOf(service, service.status?.loadBalancer?.ingress)),
    ),
  ];
}
