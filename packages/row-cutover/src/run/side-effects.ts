import type { Client } from "pg";

import type { Analysis } from "./analysis";

/** Warnings about side effects of writing rows: triggers fire, and subscribers get the new rows. */
export async function sideEffectWarnings(client: Client, analysis: Analysis): Promise<string[]> {
  if (analysis.kind === "noop") return [];
  const { oid, name, triggers } = analysis.shape;
  const found = await client.query<{ publications: string[] }>(
    `select array(select p.pubname::text from pg_publication_tables p
                    join pg_class c on c.oid = $1::oid and c.relname = p.tablename
                    join pg_namespace n on n.oid = c.relnamespace and n.nspname = p.schemaname
                   order by 1) as publications`,
    [String(oid)],
  );
  const { publications = [] } = found.rows[0] ?? {};
  const bare = triggers
    .filter(({ hasSearchPath }) => !hasSearchPath)
    .map(({ procedure }) => procedure);
  return [
    ...(triggers.length === 0
      ? []
      : [
          `${name} has triggers that may fire for the rows written: ${triggers.map((one) => one.name).join(", ")}. A run whose rows they change is rolled back.`,
        ]),
    ...(bare.length === 0
      ? []
      : [
          `During a run the unqualified names in ${[...new Set(bare)].join(", ")} of these triggers are looked up in pg_catalog only, since it has no search_path of its own.`,
        ]),
    ...(publications.length === 0
      ? []
      : [
          `${name} is published (${publications.join(", ")}): subscribers get the new rows, and again the old ones on an undo.`,
        ]),
  ];
}
