import pg, { Client } from "pg";

/** The application's database and the role that owns it: an ordinary role, as in a real installation. */
export const applicationRole = "llmctl_studio";
/** The role the cutover runs as: it owns nothing of the application's. */
export const cutoverRole = "mcp_fleet";
export const databaseName = "llmctl_studio";

/** Runs `work` with a connection of its own, closed at the end whatever happens. */
export async function withClient<T>(url: string, work: (db: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Makes the two roles and the database, as the superuser. */
export async function createAccess(
  superuserUrl: string,
  passwords: { readonly application: string; readonly cutover: string },
): Promise<void> {
  await withClient(superuserUrl, async (db) => {
    for (const [role, password] of [
      [applicationRole, passwords.application],
      [cutoverRole, passwords.cutover],
    ] as const) {
      await db.query(
        `create role ${role} login nosuperuser nocreatedb nocreaterole password ${pg.escapeLiteral(password)}`,
      );
    }
    await db.query(`create database ${databaseName} owner ${applicationRole}`);
    await db.query(`revoke all on database ${databaseName} from public`);
    await db.query(
      `grant connect, temporary, create on database ${databaseName} to ${cutoverRole}`,
    );
  });
}

/**
 * Grants the cutover role what a run needs and nothing else: the rows and a trigger on their table, the
 * tables that reference it, and the settings that hold soft references. CREATE on the database, for its
 * own schema, it has from {@link createAccess}.
 */
export async function grantCutover(ownerUrl: string): Promise<void> {
  await withClient(ownerUrl, async (db) => {
    // A restored dump may have put names of its own before the server's.
    await db.query("set search_path = pg_catalog, pg_temp");
    await db.query(`grant usage on schema public to ${cutoverRole}`);
    await db.query(
      `grant select, insert, update, delete, trigger on public.mcp_servers to ${cutoverRole}`,
    );
    for (const table of await referencingTables(db)) {
      await db.query(`grant select, insert, update, delete on ${table} to ${cutoverRole}`);
    }
    const settings = await db.query<{ t: string | null }>(
      "select to_regclass('public.integration_settings')::text as t",
    );
    if (typeof settings.rows[0]?.t === "string") {
      await db.query(`grant select, update on public.integration_settings to ${cutoverRole}`);
    }
    const sequence = await db.query<{ name: string | null }>(
      "select pg_get_serial_sequence('public.mcp_servers', 'id') as name",
    );
    const name = sequence.rows[0]?.name;
    if (typeof name === "string") {
      await db.query(`grant usage, select on sequence ${name} to ${cutoverRole}`);
    }
  });
}

/** The tables with a foreign key to `mcp_servers`, quoted, from the catalog. */
export async function referencingTables(db: Client): Promise<string[]> {
  const found = await db.query<{ name: string }>(
    `select distinct format('%I.%I', n.nspname, c.relname) as name
       from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
      where k.contype = 'f' and k.confrelid = 'public.mcp_servers'::regclass order by 1`,
  );
  return found.rows.map((row) => row.name);
}
