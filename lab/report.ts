import type { ProbedServer } from "@mcp-fleet/cutover-runner";

import { table } from "../cli/terminal";
import type { DisplayRow } from "./database/snapshot";
import type { ServerStatus } from "./studio/clients";

/** Studio's own `/servers` page. */
export interface StudioView {
  readonly mode: string;
  readonly pod: string;
  readonly servers: readonly ServerStatus[];
}

/** Server, endpoint, protocol version and number of tools, as each kind of consumer saw them. */
export function probeTable(
  probes: readonly ProbedServer[],
  urls: Readonly<Record<string, string>>,
): string {
  const names = [...new Set(probes.map((probe) => probe.name))];
  return table(
    ["server", "endpoint", "protocol", "tools", "seen from"],
    names.map((name) => {
      const seen = probes.filter((probe) => probe.name === name);
      const first = seen[0];
      return [
        name,
        urls[name] ?? "",
        first?.protocolVersion === "" ? first.outcome : (first?.protocolVersion ?? ""),
        String(first?.tools ?? ""),
        seen.map((probe) => probe.consumer).join(", "),
      ];
    }),
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
