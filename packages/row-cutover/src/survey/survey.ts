import { UserError } from "@mcp-fleet/errors";
import type { Client } from "pg";

import { keyName, type KeyValues } from "../decide/keys";
import { entryColumns } from "../decide/layout";
import type { Db, TableSpec } from "../decide/spec";
import { ident, qualified } from "../postgres/identifiers";
import { session } from "../postgres/session";
import { inScope } from "../postgres/table";
import { type Candidate, guessColumns } from "./columns";
import { type Recognise, type ServerSketch, sketchOf } from "./document";

/** Limits in seconds. They are short, so that nobody has to wait for the survey. */
const limits = { lockSeconds: 2, statementSeconds: 10 };

/** How many tables are sampled, the likeliest first. */
const mostTables = 60;

/** How many rows of each are sampled. */
const sampledRows = 200;

/** How many rows of the chosen table are read. */
const readRows = 5000;

/** Characters of a document. Longer values count as something else. */
const longest = 65_536;

/** One server of the table. Names, never a value. */
export interface SurveyedServer extends ServerSketch {
  /** Its key in the configuration. */
  readonly key: string;
  readonly rows: number;
  /** Whether it is the application's own. */
  readonly own: boolean;
}

/** A table with servers that a cutover can rewrite. */
export interface SurveyedTable {
  readonly spec: TableSpec;
  /** Of the document's column. */
  readonly type: string;
  readonly servers: readonly SurveyedServer[];
  /** Rows whose document is not a server, by key. */
  readonly others: readonly string[];
  /** Whether there are more rows than were read. */
  readonly more: boolean;
  readonly doubts: readonly string[];
  /** Lists of ids in the settings that llmctl-studio keeps. */
  readonly listsIds: boolean;
}

/** The MCP servers found in a database. */
export interface Survey {
  readonly database: string;
  readonly found?: SurveyedTable;
  /** Other candidate tables, as `schema.table`. */
  readonly also: readonly string[];
  /** Tables with servers in a form that no cutover can rewrite, one sentence each. */
  readonly unfit: readonly string[];
}

/** What to search for. */
export interface SurveyOptions {
  /** `schema.table`, or a table of any schema. @default the one with the most servers */
  readonly table?: string;
  readonly recognise?: Recognise;
}

/**
 * Searches for the table with configurations of MCP servers, in a READ ONLY transaction with short limits. Of a
 * document only names leave this package.
 * @throws UserError when the database cannot be read, or has no table of the given name
 */
export async function surveyDatabase(db: Db, options: SurveyOptions = {}): Promise<Survey> {
  return session(
    { db, name: "init", limits, mode: "read only", doing: "looking for the servers" },
    (client) => survey(client, options),
  );
}

interface Counted extends Candidate {
  readonly type: string;
  readonly own: number;
  readonly nested: string | undefined;
}

async function survey(client: Client, { table, recognise }: SurveyOptions): Promise<Survey> {
  const known: Recognise = recognise ?? (() => undefined);
  const counted: Counted[] = [];
  const candidates = await candidatesIn(client, table);
  for (const one of candidates) counted.push(await count(client, one));
  const fit = counted.filter(({ own }) => own > 0).sort((a, b) => b.own - a.own);
  const [best, ...rest] = fit;
  const name = await client.query<{ name: string }>("select current_database()::text as name");
  const unfit = [
    ...counted
      .filter(({ own, nested }) => own === 0 && nested !== undefined)
      .map(
        (one) =>
          `${one.schema}.${one.table} holds servers in ${one.column} under ${JSON.stringify(one.nested)}: a cutover rewrites whole documents only.`,
      ),
    ...(await columnTables(client)),
  ];
  return {
    database: name.rows[0]?.name ?? "",
    ...(best === undefined ? {} : { found: await describe(client, best, known) }),
    also: [...new Set(rest.map((one) => `${one.schema}.${one.table}`))],
    unfit,
  };
}

/** Columns that may contain documents, the likeliest names first. */
async function candidatesIn(
  client: Client,
  named: string | undefined,
): Promise<(Candidate & { readonly type: string })[]> {
  const [first, second] = (named ?? "").split(".");
  const schema = second === undefined ? null : (first ?? null);
  const table = named === undefined ? null : (second ?? first ?? null);
  const found = await client.query<Candidate & { type: string }>(
    `select c.oid::text as oid, n.nspname::text as schema, c.relname::text as table, a.attname::text as column,
            format_type(a.atttypid, a.atttypmod) as type
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
       join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where c.relkind in ('r', 'p') and not c.relispartition and c.relpersistence <> 't'
        and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'mcp_cutover')
        and a.atttypid in ('text'::regtype, 'varchar'::regtype, 'json'::regtype, 'jsonb'::regtype)
        and has_schema_privilege(n.oid, 'usage') and has_column_privilege(c.oid, a.attnum, 'select')
        and ($1::text is null or n.nspname = $1) and ($2::text is null or c.relname = $2)
      order by (c.relname ~* 'mcp')::int * 4 + (c.relname ~* 'server|tool|plugin|connector|integration')::int
             + (a.attname ~* 'config|json|param|definition|setting|spec|mcp')::int * 2
             + (a.atttypid in ('json'::regtype, 'jsonb'::regtype))::int desc, n.nspname, c.relname, a.attnum
      limit $3`,
    [schema, table, mostTables],
  );
  if (named !== undefined && found.rows.length === 0) {
    throw new UserError(
      `There is no table ${named} with a text or JSON column that this role may read.`,
      "Name it with --table <schema>.<table>, and grant SELECT on it to the role.",
    );
  }
  return found.rows;
}

async function count(
  client: Client,
  candidate: Candidate & { readonly type: string },
): Promise<Counted> {
  const { schema, table, column } = candidate;
  const found = await client.query<{ text: string | null }>(
    `select left(${ident(column)}::text, ${longest + 1}) as text from ${qualified(schema, table)}
      where ${ident(column)} is not null limit ${sampledRows}`,
  );
  let own = 0;
  let nested: string | undefined;
  for (const { text } of found.rows) {
    if (text === null || text.length > longest || !/[{=]/.test(text)) continue;
    const form = sketchOf([], text, () => undefined);
    if (form?.form === "own") own += 1;
    else if (form !== undefined) nested ??= form.under;
  }
  return { ...candidate, own, nested };
}

async function describe(
  client: Client,
  candidate: Counted,
  recognise: Recognise,
): Promise<SurveyedTable> {
  const { table: spec, doubts } = await guessColumns(client, candidate);
  const type = spec.type === undefined ? "null" : `t.${ident(spec.type.column)}::text`;
  const key = (names: readonly string[]): string =>
    `array[${names.map((column) => `left(t.${ident(column)}::text, 256)`).join(", ")}]::text[]`;
  const found = await client.query<{
    key: KeyValues;
    match: KeyValues;
    type: string | null;
    text: string | null;
  }>(
    `select ${key(spec.key)} as key, ${key(entryColumns(spec))} as match, ${type} as type,
            left(t.${ident(spec.config)}::text, ${longest + 1}) as text
       from ${qualified(spec.schema, spec.table)} t where ${inScope(spec, "t")} order by 1 limit ${readRows + 1}`,
  );
  const servers = new Map<string, SurveyedServer>();
  const others: string[] = [];
  for (const row of found.rows.slice(0, readRows)) {
    const name = keyName(row.match);
    const own = spec.type === undefined || row.type === spec.type.value;
    const form =
      row.text === null || row.text.length > longest
        ? undefined
        : sketchOf([...row.match, ...row.key], row.text, recognise);
    if (form?.form !== "own") {
      others.push(name);
      continue;
    }
    const id = JSON.stringify([name, own]);
    const before = servers.get(id);
    servers.set(id, {
      ...(before === undefined ? form.sketch : together(before, form.sketch)),
      ...{ key: name, own, rows: (before?.rows ?? 0) + 1 },
    });
  }
  const settings = await client.query<{ there: boolean }>(
    `select count(*) = 3 as there from pg_attribute
      where attrelid = to_regclass($1) and attname in ('provider', 'key', 'value') and not attisdropped`,
    [qualified(spec.schema, "integration_settings")],
  );
  return {
    ...{ spec, type: candidate.type, servers: [...servers.values()], others, doubts },
    more: found.rows.length > readRows,
    listsIds: settings.rows[0]?.there === true,
  };
}

/** Combines two rows of one server: the server may need what either of them has. */
function together(a: ServerSketch, b: ServerSketch): ServerSketch {
  const both = (name: "variables" | "secrets" | "files"): string[] => [
    ...new Set([...a[name], ...b[name]]),
  ];
  return {
    ...(a.transport === "stdio" ? a : b),
    ...{ variables: both("variables"), secrets: both("secrets"), files: both("files") },
  };
}

/** Tables that store a server in columns of its own, as LiteLLM's does. */
async function columnTables(client: Client): Promise<string[]> {
  const found = await client.query<{ name: string }>(
    `select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p') and not c.relispartition and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
        and c.relname ~* 'mcp' and (select count(distinct lower(a.attname)) from pg_attribute a where a.attrelid = c.oid
             and not a.attisdropped and lower(a.attname) in ('command', 'url', 'server_url', 'transport')) >= 2
      order by 1 limit 5`,
  );
  return found.rows.map(
    ({ name }) =>
      `${name} keeps command, URL or transport in columns of its own: a cutover rewrites documents only.`,
  );
}
