import type { CutoverSpec } from "@mcp-fleet/row-cutover";

/** A table of `rows` documents as the application's newer generation has them, with an empty peer journal. */
export function tableSql(rows: number): string {
  return `
    create table servers (id integer generated always as identity primary key, server_key text not null unique,
      config jsonb not null, kind text not null, updated_at timestamptz not null);
    insert into servers (server_key, config, kind, updated_at)
      select 'server-' || n, jsonb_build_object('command', 'mcp-server-' || n, 'args', jsonb_build_array('--port', n),
             'env', jsonb_build_object('LOG_LEVEL', 'info', 'PROJECT', 'project-' || n)), 'integrated', now()
        from generate_series(1, ${rows}) n;
    create table by_hand (server_key text primary key, before_config text, after_config text, updated_at timestamptz);
    vacuum analyze servers;`;
}

/** The cutover of all of them. */
export function benchSpec(rows: number): CutoverSpec {
  return {
    name: "bench",
    table: {
      schema: "public",
      table: "servers",
      key: ["server_key"],
      id: "id",
      config: "config",
      type: { column: "kind", value: "integrated" },
      updatedAt: "updated_at",
    },
    rows: Array.from({ length: rows }, (_, i) => ({
      key: `server-${i + 1}`,
      url: `http://server-${i + 1}.mcp.svc.cluster.local:8000/mcp`,
      transport: "streamable-http",
    })),
    deferred: [],
    skip: [],
    softReferences: [],
    onConflict: "fail",
    fence: true,
    timeouts: { statementSeconds: 600 },
    maxRows: rows + 1,
  };
}

/** The same by hand: journal, then update, in one transaction. */
export const byHandForward = `
begin;
lock table servers in share row exclusive mode;
insert into by_hand
  select server_key, config::text, jsonb_build_object('url', 'http://' || server_key || '.mcp.svc.cluster.local:8000/mcp',
         'transport', 'streamable-http')::text, updated_at
    from servers where kind = 'integrated';
update servers t set config = j.after_config::jsonb, updated_at = now() from by_hand j where j.server_key = t.server_key;
commit;`;
