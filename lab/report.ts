import type { DisplayRow } from "./database/snapshot";
import type { ServerStatus } from "./studio/clients";
import { table } from "./table";

/** Studio's own `/servers` page. */
export interface StudioView {
  readonly mode: string;
  readonly pod: string;
  readonly servers: readonly ServerStatus[];
}

/** What a probe found out about a server. */
export interface ShownProbe {
  readonly name: string;
  readonly url?: string;
  readonly outcome?: string;
  readonly protocolVersion?: string;
  readonly tools?: number;
}

/** Server, endpoint, protocol version and number of tools, as the probe Job saw them. */
export function probeTable(probes: readonly ShownProbe[]): string {
  return table(
    ["server", "endpoint", "protocol", "tools"],
    probes.map((probe) => [
      probe.name,
      probe.url ?? "",
      probe.protocolVersion ?? probe.outcome ?? "",
      probe.tools === undefined ? "" : String(probe.tools),
    ]),
  );
}

/** Each row's transport and target, before and after. */
export function rowsTable(before: readonly DisplayRow[], after: readonly DisplayRow[]): string {
  const keys = [...new Set([...before, ...after].map((row) => row.key))];
  const show = (rows: readonly DisplayRow[], key: string): string => {
    const row = rows.find((candidate) => candidate.key === key);
    return row === undefined ? "(none)" : `${row.transport} ${row.endpoint}`;
  };
  return table(
    ["row", "before", "after"],
    keys.map((key) => [key, show(before, key), show(after, key)]),
  );
}

/** What Studio itself says it is connected to. */
export function studioTable(view: StudioView): string {
  return table(
    ["server", "transport", "connected to", "tools", "state"],
    view.servers.map((server) => [
      server.key,
      server.transport,
      server.endpoint,
      String(server.tools),
      server.connected ? "connected" : (server.error ?? "not connected"),
    ]),
  );
}
