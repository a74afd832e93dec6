import {
  asking,
  carrierOf,
  isReady,
  type Kube,
  leadsTo,
  readServers,
  servicesIn,
} from "@mcp-fleet/kube";
import type { RowKey } from "@mcp-fleet/row-cutover";

/** A Service in the cluster. */
export interface McpService {
  readonly name: string;
  readonly ports: readonly number[];
  /** Ready pods behind it; absent where it has no selector. */
  readonly readyPods?: number;
  /** The MCP servers behind it, by name; none for another kind of Service. */
  readonly servers: readonly string[];
  /** Whether clients use it to call such a server. */
  readonly carries: boolean;
}

/** The Service that a URL points to, if it is in this namespace. */
export interface ServiceAddress {
  readonly service: string;
  readonly port: number;
  readonly path: string;
}

/**
 * The Services of a namespace, by name, and the MCP servers behind them. The number of requests does not depend
 * on their number.
 */
export async function readServices(
  kube: Kube,
  namespace: string,
): Promise<ReadonlyMap<string, McpService>> {
  const [{ servers }, services, pods] = await Promise.all([
    readServers(kube, namespace),
    servicesIn(kube, namespace),
    asking(kube, `list Pods in ${namespace}`, () => kube.core.listNamespacedPod({ namespace })),
  ]);
  const ready = pods.items.filter(isReady);
  return new Map(
    services.map((service) => {
      const { metadata, spec } = service;
      const name = metadata?.name ?? "";
      const known = Object.keys(spec?.selector ?? {}).length > 0 && spec?.type !== "ExternalName";
      const behind = ready.filter((pod) => leadsTo(service, pod.metadata?.labels ?? {}));
      const named = (one: { readonly service: typeof service }): boolean =>
        one.service.metadata?.name === name;
      const own = servers.filter((server) => server.services.some(named));
      return [
        name,
        {
          name,
          ports: (spec?.ports ?? []).map(({ port }) => port),
          ...(known ? { readyPods: behind.length } : {}),
          servers: own.map((server) => server.name),
          carries: own.some((server) => {
            const carrier = carrierOf(server);
            return carrier !== undefined && named(carrier);
          }),
        },
      ];
    }),
  );
}

/** A row's key as the row engine prints it. */
export function rowName(key: RowKey): string {
  return typeof key === "string" ? key : key.join("/");
}

/** @returns undefined for a URL that is not `http(s)://<service>.<namespace>[.svc[.<domain>]]:<port>/<path>` */
export function serviceAddress(url: string, namespace: string): ServiceAddress | undefined {
  if (!URL.canParse(url)) return undefined;
  const { protocol, hostname, port, pathname } = new URL(url);
  const [service, where, kind] = hostname.split(".");
  if (service === undefined || where !== namespace || (kind !== undefined && kind !== "svc"))
    return undefined;
  const usual = protocol === "https:" ? 443 : 80;
  return { service, port: port === "" ? usual : Number(port), path: pathname };
}
