import type { CutoverSpec } from "@mcp-fleet/row-cutover";

/** Servers that every tenant has a row of. */
const servers = 5;

/**
 * A table of the users' own rows, as a large one is: each tenant has a row for each server, in the form of the
 * application's newer schema.
 */
export function tableSql(rows: number): string {
  return `
    create table servers (id bigint generated always as identity primary key, tenant_id integer not null,
      server_key text not null, config jsonb not null, kind text not null, updated_at timestamptz not null,
      unique (tenant_id, server_key));
    insert into servers (tenant_id, server_key, config, kind, updated_at)
      select n / ${servers}, 'server-' || n % ${servers},
             jsonb_build_object('command', 'mcp-server-' || n % ${servers}, 'args', jsonb_build_array('--port', n),
             'env', jsonb_build_object('LOG_LEVEL', 'info', 'PROJECT', 'project-' || n)), 'managed', now()
        from generate_series(1, ${rows}) n;
    create table by_hand (id bigint primary key, before_config text, after_config text, updated_at timestamptz);`;
}

/** The cutover of all rows: one entry for each server. */
export function benchSpec(rows: number): CutoverSpec {
  return {
    name: "bench",
    table: {
      schema: "public",
      table: "servers",
      key: ["tenant_id", "server_key"],
      match: "server_key",
      id: "id",
      config: "config",
      type: { column: "kind", value: "managed" },
      updatedAt: "updated_at",
    },
    rows: Array.from({ length: servers }, (_, i) => ({
      key: `server-${i}`,
      url: `http://server-${i}.mcp.svc.cluster.local:8000/mcp`,
      transport: "streamable-http",
    })),
    deferred: [],
    skip: [],
    softReferences: [],
    onConflict: "fail",
    fence: true,
    timeouts: { statementSeconds: 900 },
    maxRows: rows,
  };
}

/** The same by hand, a statement each: the old documents as text, byte for byte, then the update. */
export const byHand = [
  "begin",
  "lock table servers in share row exclusive mode",
  `insert into by_hand
     select id, config::text, jsonb_build_object('url', 'http://' || server_key || '.mcp.svc.cluster.local:8000/mcp',
            'transport', 'streamable-http')::text, updated_at
       from servers where kind = 'managed'`,
  "update servers t set config = j.after_config::jsonb, updated_at = now() from by_hand j where j.id = t.id",
  "commit",
];
