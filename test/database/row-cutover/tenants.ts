import type { CutoverSpec, RowSpec } from "@mcp-fleet/row-cutover";

import { withClient } from "../../../lab/database/access";
import { cutoverRole, emptyDatabase } from "./support";

export type TenantsDatabase = Awaited<ReturnType<typeof emptyDatabase>> & {
  /** Every column of every row, as text. */
  rows(): Promise<Record<string, string>[]>;
};

/** One row of one tenant. */
export interface TenantRow {
  readonly server: string;
  readonly config: string;
  readonly kind?: string;
}

/** A table of users' rows: a server has one for each tenant. */
export async function tenantsDatabase(
  type: "text" | "json" | "jsonb",
  rows: readonly TenantRow[],
  server?: string,
): Promise<TenantsDatabase> {
  const database = await emptyDatabase(server);
  await withClient(database.applicationUrl, async (client) => {
    await client.query(
      `create table tenant_servers (tenant_id integer, server_key varchar(40), config ${type} not null, kind text not null,
         label text, updated_at timestamptz not null, primary key (tenant_id, server_key))`,
    );
    await client.query(
      `grant select, insert, update, delete, trigger on tenant_servers to ${cutoverRole}`,
    );
  });
  await addTenants(database, type, rows);
  return {
    ...database,
    rows: () =>
      database.query(
        `select tenant_id::text as tenant, server_key as server, config::text as config, kind, label,
                updated_at::text as updated from tenant_servers order by tenant_id, server_key`,
      ),
  };
}

/** Adds rows, one for each tenant from `first` on. */
export async function addTenants(
  database: Pick<TenantsDatabase, "query">,
  type: string,
  rows: readonly TenantRow[],
  first = 1,
): Promise<void> {
  const records = rows.map(({ kind = "managed", ...row }, i) => ({
    tenant: first + i,
    kind,
    ...row,
  }));
  await database.query(
    `insert into tenant_servers
     select r.tenant, r.server, r.config::${type}, r.kind, 'label', '2025-01-02 03:04:05.678901+00'
       from jsonb_to_recordset($1::jsonb) as r(tenant integer, server text, config text, kind text)`,
    [JSON.stringify(records)],
  );
}

export function urlOf(server: string): string {
  return `http://mcp-${server}.ai.svc.cluster.local:8000/mcp`;
}

/** The cutover of the servers `a`, `b` and `c`, all tenants' rows. */
export function tenantsSpec(
  row: Partial<RowSpec> = {},
  more: Partial<CutoverSpec> = {},
): CutoverSpec {
  return {
    name: "tenants/test",
    table: {
      schema: "public",
      table: "tenant_servers",
      key: ["tenant_id", "server_key"],
      match: "server_key",
      config: "config",
      type: { column: "kind", value: "managed" },
      updatedAt: "updated_at",
    },
    rows: ["a", "b", "c"].map((key) => ({
      key,
      url: urlOf(key),
      transport: "streamable-http" as const,
      secretKeys: ["API_TOKEN"],
      ...row,
    })),
    deferred: ["later"],
    skip: [],
    softReferences: [],
    onConflict: "fail",
    fence: true,
    ...more,
  };
}
