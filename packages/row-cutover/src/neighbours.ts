import type { Client } from "pg";

import type { Analysis } from "./analyse";

/** What else happens in the database when rows are written: others' triggers fire, subscribers get the new rows. */
export async function neighbourWarnings(client: Client, analysis: Analysis): Promise<string[]> {
  if (analysis.kind === "noop") return [];
  const { oid, name } = analysis.shape;
  const found = await client.query<{ triggers: string[]; publications: string[] }>(
    `select array(select tgname::text from pg_trigger
                   where tgrelid = $1::oid and not tgisinternal and tgenabled not in ('D', 'R')
                     and tgname not like 'zz_mcp_cutover_%' order by 1) as triggers,
            array(select p.pubname::text from pg_publication_tables p
                    join pg_class c on c.oid = $1::oid and c.relname = p.tablename
                    join pg_namespace n on n.oid = c.relnamespace and n.nspname = p.schemaname
                   order by 1) as publications`,
    [String(oid)],
  );
  const { triggers = [], publications = [] } = found.rows[0] ?? {};
  return [
    ...(triggers.length === 0
      ? []
      : [
          `${name} has triggers that may fire for the rows written: ${triggers.join(", ")}. A run whose rows they change is taken back.`,
        ]),
    ...(publications.length === 0
      ? []
      : [
          `${name} is published (${publications.join(", ")}): subscribers get the new rows, and again the old ones on an undo; ledger and journal stay here.`,
        ]),
  ];
}
