import { asking, type Kube, serverSelector } from "@mcp-fleet/kube";

/** An MCP server's Service as the cluster has it. */
export interface McpService {
  readonly name: string;
  readonly ports: readonly number[];
  /** Pods behind it that are Ready. */
  readonly readyPods: number;
}

/** Where a URL leads, when it is the address of a Service in this namespace. */
export interface ServiceAddress {
  readonly service: string;
  readonly port: number;
  readonly path: string;
}

/** The Services of MCP servers in a namespace, by name. Two lists, however many there are. */
export async function readServices(
  kube: Kube,
  namespace: string,
): Promise<ReadonlyMap<string, McpService>> {
  const [services, pods] = await Promise.all([
    asking(kube, `list Services in ${namespace}`, () =>
      kube.core.listNamespacedService({ namespace, labelSelector: serverSelector }),
    ),
    asking(kube, `list Pods in ${namespace}`, () =>
      kube.core.listNamespacedPod({ namespace, labelSelector: serverSelector }),
    ),
  ]);
  const ready = pods.items.filter(({ status }) =>
    status?.conditions?.some((one) => one.type === "Ready" && one.status === "True"),
  );
  return new Map(
    services.items.map(({ metadata, spec }) => {
      const name = metadata?.name ?? "";
      const selector = Object.entries(spec?.selector ?? {});
      const behind = ready.filter(({ metadata: { labels = {} } = {} }) =>
        selector.every(([key, value]) => labels[key] === value),
      );
      const ports = (spec?.ports ?? []).map(({ port }) => port);
      return [name, { name, ports, readyPods: selector.length === 0 ? 0 : behind.length }];
    }),
  );
}

/** @returns undefined for a URL that is not `http://<service>.<namespace>[.svc[.<domain>]]:<port>/<path>` */
export function serviceAddress(url: string, namespace: string): ServiceAddress | undefined {
  if (!URL.canParse(url)) return undefined;
  const { protocol, hostname, port, pathname } = new URL(url);
  const [service, where, kind] = hostname.split(".");
  if (service === undefined || where !== namespace || (kind !== undefined && kind !== "svc"))
    return undefined;
  const usual = protocol === "https:" ? 443 : 80;
  return { service, port: port === "" ? usual : Number(port), path: pathname };
}
