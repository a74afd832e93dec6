import { type Credentials, withDatabase } from "@mcp-fleet/cutover-runner";
import { connectKube } from "@mcp-fleet/kube";
import {
  drift as driftOfRows,
  type LedgerState,
  ownsUrl,
  readEndpoints,
  readLedger,
  type RowEndpoint,
  type RowSpec,
  sameServer,
  type Target,
} from "@mcp-fleet/row-cutover";

import type { DriftFinding } from "./drift-finding";
import type { Fleet } from "./fleet";
import { type McpService, readServices, rowName, serviceAddress } from "./services";
import { headerFindings } from "./stale-headers";

/** The result of {@link findDrift}. */
export interface DriftReport {
  readonly cutover: string;
  /** Newest generation in the ledger; 0 before the first cutover. */
  readonly generation: number;
  readonly target: Target;
  /** Whether the newest generation's rollout is complete and its write fence is removed. */
  readonly settled: boolean;
  readonly fencedWrites: number;
  readonly findings: readonly DriftFinding[];
}

/**
 * Compares the rows with the ledger, with the Services they name and with the stack's outputs, each in both
 * directions. Reads only.
 * @throws {UserError} when database or cluster cannot be read
 */
export async function findDrift(fleet: Fleet, credentials: Credentials): Promise<DriftReport> {
  const { spec } = fleet;
  const [ledger, rows, endpoints, headers] = await withDatabase(fleet, credentials, async (db) => {
    const newest = await readLedger(db, spec);
    return [
      newest,
      await driftOfRows(db, spec),
      await readEndpoints(db, spec),
      newest?.target === "in-cluster" ? await headerFindings(db, fleet, credentials) : [],
    ] as const;
  });
  const kube = await connectKube(fleet.kubernetes, credentials);
  const services = await readServices(kube, fleet.probe.namespace);
  const findings: DriftFinding[] = [
    ...(rows?.rows ?? []).map(({ key, kind, detail }) => ({
      kind: `row-${kind}` as const,
      subject: key,
      detail,
    })),
    ...(rows?.more === undefined
      ? []
      : [
          {
            kind: "row-changed" as const,
            subject: "(others)",
            detail: `${rows.more} more rows differ from what the run left`,
          },
        ]),
    ...rowsAgainstServices(fleet, endpoints, services),
    ...(ledger?.target === "in-cluster" ? servicesAgainstRows(fleet, endpoints, services) : []),
    ...outputsAgainst(fleet, endpoints, ledger),
    ...headers,
  ];
  return {
    cutover: spec.name,
    generation: ledger?.generation ?? 0,
    target: ledger?.target ?? "embedded",
    settled: ledger === undefined || (ledger.settledAt !== undefined && !rows?.fenceStands),
    fencedWrites: rows?.fencedWrites ?? 0,
    findings,
  };
}

/**
 * Checks every row that names a Service of the namespace: does it exist, with this port and path, and with a
 * ready pod?
 */
export function rowsAgainstServices(
  { spec, targets, probe: { namespace } }: Pick<Fleet, "spec" | "targets" | "probe">,
  endpoints: readonly RowEndpoint[],
  services: ReadonlyMap<string, McpService>,
): DriftFinding[] {
  const wanted = targets.flatMap(({ url }) => serviceAddress(url, namespace) ?? []);
  return endpoints.flatMap(({ key: subject, url }): DriftFinding[] => {
    const address = url === undefined ? undefined : serviceAddress(url, namespace);
    if (address === undefined) return [];
    const { service, port, path } = address;
    const found = services.get(service);
    if (found === undefined)
      return [{ kind: "row-without-service", subject, detail: `no Service ${service}` }];
    const findings: DriftFinding[] = [];
    if (!found.ports.includes(port)) {
      const detail = `port ${port}; Service ${service} has ${found.ports.join(", ")}`;
      findings.push({ kind: "wrong-port", subject, detail });
    }
    const paths = wanted.filter((one) => one.service === service).map((one) => one.path);
    const owned = spec.rows.some((row) => rowName(row.key) === subject && isOwned(row, url));
    if (paths.length > 0 && !paths.includes(path) && !owned) {
      const detail = `path ${path}; the server of Service ${service} serves ${paths.join(", ")}`;
      findings.push({ kind: "wrong-path", subject, detail });
    }
    if (found.readyPods === 0) {
      const detail = `no ready pod behind Service ${service}`;
      findings.push({ kind: "service-without-backends", subject, detail });
    }
    return findings;
  });
}

/**
 * Checks every MCP server that can be called: does a row name a Service of it, where one should? At most one
 * finding for each server.
 */
export function servicesAgainstRows(
  { spec, servers, probe: { namespace } }: Pick<Fleet, "spec" | "servers" | "probe">,
  endpoints: readonly RowEndpoint[],
  services: ReadonlyMap<string, McpService>,
): DriftFinding[] {
  const namesOf = (urls: readonly (string | undefined)[]): Set<string> =>
    new Set(urls.flatMap((url) => serviceAddress(url ?? "", namespace)?.service ?? []));
  const named = namesOf(endpoints.map(({ url }) => url));
  const withRow = namesOf(spec.rows.map(({ url }) => url));
  const exported = namesOf(Object.values(servers));
  const all = [...services.values()];
  // A server may have more Services, for example for metrics, and a row may name any of them.
  const isNamed = ({ name, servers: behind }: McpService): boolean =>
    all.some(
      (other) =>
        named.has(other.name) &&
        (other.name === name || other.servers.some((one) => behind.includes(one))),
    );
  return all.flatMap((service): DriftFinding[] => {
    const subject = service.name;
    if (!service.carries || isNamed(service)) return [];
    if (withRow.has(subject))
      return [{ kind: "service-without-row", subject, detail: "no row names it" }];
    // A server that is configured without a row is correct.
    if (exported.has(subject)) return [];
    const detail = "no row names it, and the stack does not export it";
    return [{ kind: "service-without-row", subject, detail }];
  });
}

/** Compares the stack's outputs with the rows and the ledger. */
export function outputsAgainst(
  fleet: Pick<Fleet, "spec" | "servers" | "targets" | "target" | "generation">,
  endpoints: readonly RowEndpoint[],
  ledger: Pick<LedgerState, "generation" | "target"> | undefined,
): DriftFinding[] {
  const findings: DriftFinding[] = [];
  const differs = (subject: string, detail: string): void =>
    void findings.push({ kind: "output-differs", subject, detail });
  const { generation, target, spec } = fleet;
  if (generation !== undefined && generation !== (ledger?.generation ?? 0))
    differs("generation", `state has ${generation}, the ledger ${ledger?.generation ?? 0}`);
  if (ledger !== undefined && ledger.target !== target)
    differs("target", `state has ${target}, the ledger ${ledger.target}`);
  if (ledger?.target !== "in-cluster") return findings;
  const exported = new Set(Object.values(fleet.servers));
  // If the row has another path than the server, both URLs are probed and one is in the outputs.
  const isExported = ({ url }: RowSpec): boolean =>
    exported.has(url) ||
    fleet.targets.some((one) => sameServer(one.url, url) && exported.has(one.url));
  for (const row of spec.rows) {
    const subject = rowName(row.key);
    if (!isExported(row)) differs(subject, `the stack does not export ${row.url}`);
    for (const now of endpoints) {
      if (now.key !== subject || now.url === row.url || isOwned(row, now.url)) continue;
      const who = now.rows === 1 ? "the row has" : `${now.rows} rows have`;
      differs(subject, `${who} ${now.shown}, the stack ${row.url}`);
    }
  }
  return findings;
}

/** Whether the application wrote this URL: another path on the same server, where it owns the URL. */
function isOwned(row: RowSpec, url: string | undefined): boolean {
  return ownsUrl(row) && sameServer(url, row.url);
}
