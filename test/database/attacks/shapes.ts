import { type CutoverSpec, type TableSpec } from "@mcp-fleet/row-cutover";
import fc from "fast-check";

import { cutoverRole, rowSpec, studioSpec } from "../row-cutover/support";

/** A table of servers with everything around it that may obstruct a cutover. */
export interface Shape {
  readonly config: "text" | "json" | "jsonb";
  readonly keyType: "text" | "varchar(40)" | "integer" | "uuid" | "public.code";
  readonly unique: "primary" | "index" | "deferrable" | "partial" | "none";
  readonly doubled: boolean;
  readonly nullKey: boolean;
  readonly partitioned: boolean;
  readonly time: "none" | "timestamptz" | "timestamp" | "bigint";
  readonly type: boolean;
  readonly trigger:
    "none" | "stamps" | "logs in a subtransaction" | "looks at the end" | "checks a domain";
  readonly rule: boolean;
  readonly generated: boolean;
  readonly identity: boolean;
  readonly rls: "none" | "enabled" | "on the references";
  readonly references:
    "none" | "keyed" | "unkeyed" | "deferrable" | "deeper" | "itself" | "cascading";
  readonly alias: "none" | "own" | "custom";
  readonly publication: "none" | "the table" | "no identity" | "everything";
  readonly seed: boolean;
  readonly set: boolean;
  readonly keep: "none" | "all" | "timeout";
  readonly deleted: "none" | "marked" | "marked, and told";
  readonly trigger_right: boolean;
}

const mostly = <T>(usual: T, ...others: T[]): fc.Arbitrary<T> =>
  fc.oneof(
    { weight: 3 * others.length, arbitrary: fc.constant(usual) },
    ...others.map((one) => ({ weight: 1, arbitrary: fc.constant(one) })),
  );

/** Most shapes have few unusual properties: with many at once, nearly all would be refused. */
export const shapes: fc.Arbitrary<Shape> = fc.record({
  config: fc.constantFrom("text", "json", "jsonb"),
  keyType: mostly("text", "varchar(40)", "integer", "uuid", "public.code"),
  unique: mostly("primary", "index", "deferrable", "partial", "none"),
  doubled: mostly(false, true),
  nullKey: mostly(false, true),
  partitioned: mostly(false, true),
  time: fc.constantFrom("none", "timestamptz", "timestamp", "bigint"),
  type: fc.boolean(),
  trigger: mostly(
    "none",
    "stamps",
    "logs in a subtransaction",
    "looks at the end",
    "checks a domain",
  ),
  rule: mostly(false, true),
  generated: mostly(false, true),
  identity: fc.boolean(),
  rls: mostly("none", "enabled", "on the references"),
  references: mostly("keyed", "none", "unkeyed", "deferrable", "deeper", "itself", "cascading"),
  alias: fc.constantFrom("none", "own", "custom"),
  publication: mostly("none", "the table", "no identity", "everything"),
  seed: fc.boolean(),
  set: fc.boolean(),
  keep: fc.constantFrom("none", "all", "timeout"),
  deleted: mostly("none", "marked", "marked, and told"),
  trigger_right: mostly(true, false),
});

/** The key of the n-th row in the type of the key column. */
function keyOf({ keyType }: Shape, n: number): string {
  if (keyType === "integer") return String(n);
  return keyType === "uuid" ? `00000000-0000-0000-0000-00000000000${n}` : `server-${n}`;
}

/**
 * SQL that creates it, run as the application's role. Rows 1 to 3 are configured, 4 is an alias of 1, 5 a user's
 * own.
 */
export function shapeSql(shape: Shape): string {
  const { config, keyType, time } = shape;
  const unique = {
    primary: ", primary key (k)",
    index: ", unique (k)",
    deferrable: ", primary key (k) deferrable initially deferred",
    partial: "",
    none: "",
  }[shape.partitioned ? "none" : shape.unique];
  const columns = [
    `id integer ${shape.identity ? "generated always as identity" : "not null default nextval('numbers')"}`,
    `k ${keyType}`,
    `doc ${config}`,
    "kind text not null default 'own'",
    "label public.short default 'l'",
    ...(time === "none" ? [] : [`at ${time}`]),
    ...(shape.generated ? ["upper_kind text generated always as (upper(kind)) stored"] : []),
    "deleted_at timestamptz",
  ];
  const at = {
    none: "",
    timestamptz: "2025-01-02 03:04:05.678901+00",
    timestamp: "2025-01-02 03:04:05.678901",
    bigint: "1700000000123",
  }[time];
  const row = (n: number, more: Record<string, string> = {}): string => {
    const values: Record<string, string> = {
      k: `'${keyOf(shape, n)}'`,
      doc: `'{"command": "x", "timeout": ${n}, "args": ["--port", "1"]}'`,
      ...(time === "none" ? {} : { at: `'${at}'` }),
      ...more,
    };
    return `insert into servers (${Object.keys(values).join(", ")}) values (${Object.values(values).join(", ")});`;
  };
  const missing = shape.seed ? [] : [row(3)];
  return `
    create sequence numbers; grant usage on sequence numbers to ${cutoverRole};
    create domain public.code as text check (length(value) < 40);
    create domain public.short as text check (length(value) < 20);
    create table logged (who text); grant insert on logged to public;
    create table servers (${columns.join(", ")}${unique}) ${shape.partitioned ? "partition by hash (k)" : ""};
    ${shape.partitioned ? "create table servers_0 partition of servers for values with (modulus 2, remainder 0); create table servers_1 partition of servers for values with (modulus 2, remainder 1);" : ""}
    ${shape.unique === "partial" && !shape.partitioned ? "create unique index on servers (k) where deleted_at is null;" : ""}
    ${shape.partitioned && shape.unique === "primary" ? "alter table servers add primary key (k);" : ""}
    ${[row(1), row(2), ...missing, ...(shape.alias === "none" ? [] : [row(4, { kind: shape.alias === "own" ? "'own'" : "'custom'" })]), row(5, { kind: "'custom'" })].join("\n")}
    ${shape.doubled && ["partial", "none"].includes(shape.unique) ? row(2, { deleted_at: "now()" }) : ""}
    ${shape.nullKey && ["index", "partial", "none"].includes(shape.unique) && !shape.partitioned ? row(6, { k: "null" }) : ""}
    ${shape.deleted === "none" ? "" : row(7, { deleted_at: "now()", kind: "'own'" })}
    ${shape.partitioned ? "" : shape.unique === "primary" || shape.unique === "deferrable" ? "alter table servers add constraint one_id unique (id);" : "alter table servers add constraint one_id primary key (id);"}
    ${shape.partitioned ? "" : referencesSql(shape)}
    ${triggerSql(shape)}
    ${shape.rule ? "create rule r as on update to servers do also select 1;" : ""}
    ${shape.rls === "enabled" ? "alter table servers enable row level security;" : ""}
    grant select, insert, update, delete${shape.trigger_right ? ", trigger" : ""} on servers to ${cutoverRole};
    ${shape.partitioned && shape.trigger_right ? `grant trigger on servers_0, servers_1 to ${cutoverRole};` : ""}`;
}

function referencesSql({ references, rls }: Shape): string {
  if (references === "none") return "";
  if (references === "itself")
    return "alter table servers add column parent integer references servers(id); update servers set parent = (select min(id) from servers) where kind = 'custom';";
  const key = {
    keyed: ", primary key (owner, server)",
    unkeyed: "",
    deferrable: ", primary key (owner, server) deferrable initially deferred",
    deeper: ", id serial primary key, unique (owner, server)",
    cascading: ", primary key (owner, server)",
  }[references];
  const cascade = references === "cascading" ? "on delete cascade on update cascade" : "";
  return `
    create table links (owner integer, server integer references servers(id) ${cascade}${key});
    insert into links (owner, server) select o, id from servers, unnest(array[1, 2]) o where id <> 2 or o = 1;
    ${references === "deeper" ? "create table behind (link integer references links(id) on delete cascade); insert into behind select id from links;" : ""}
    grant select, insert, update, delete on links to ${cutoverRole};
    ${rls === "on the references" ? "alter table links enable row level security;" : ""}`;
}

function triggerSql({ trigger, time }: Shape): string {
  const make = (body: string, events: string): string =>
    `create function public.acts() returns trigger language plpgsql set search_path = pg_catalog as $$ begin ${body} return new; end $$;
     ${events} for each row execute function public.acts();`;
  const stamp = {
    none: "",
    timestamptz: "new.at := now();",
    timestamp: "new.at := now();",
    bigint: "",
  }[time];
  switch (trigger) {
    case "none":
      return "";
    case "stamps":
      // Only if the statement itself sets no time, as extensions with such a column do it.
      return make(
        stamp === "" ? "" : `if new.at is not distinct from old.at then ${stamp} end if;`,
        "create trigger acts before update on servers",
      );
    case "logs in a subtransaction":
      return make(
        "begin insert into public.logged values (current_user); exception when division_by_zero then null; end;",
        "create trigger acts after update on servers",
      );
    case "looks at the end":
      return make(
        "perform 1;",
        "create constraint trigger acts after update on servers deferrable initially deferred",
      );
    case "checks a domain":
      return make(
        "perform new.label::public.short;",
        "create trigger acts before update on servers",
      );
  }
}

/** SQL that only a superuser may run. */
export function superuserSql({ publication }: Shape): string {
  switch (publication) {
    case "none":
      return "";
    case "the table":
      return "create publication p for table servers";
    case "no identity":
      return "create publication p for table servers; alter table servers replica identity nothing";
    case "everything":
      return "create publication p for all tables";
  }
}

/** The cutover of that table. */
export function shapeSpec(shape: Shape): CutoverSpec {
  const table: TableSpec = {
    schema: "public",
    table: "servers",
    key: ["k"],
    id: "id",
    config: "doc",
    ...(shape.type ? { type: { column: "kind", value: "own" } } : {}),
    ...(shape.time === "none" ? {} : { updatedAt: "at" }),
    ...(shape.time === "bigint" ? { updatedAtUnit: "milliseconds" as const } : {}),
    ...(shape.deleted === "marked, and told"
      ? { where: [{ column: "deleted_at", operator: "is null" as const }] }
      : {}),
  };
  const rows = [1, 2, 3].map((n) =>
    rowSpec(keyOf(shape, n), {
      secretKeys: [],
      ...(n === 1 && shape.alias !== "none" ? { aliases: [keyOf(shape, 4)] } : {}),
      ...(shape.set ? { set: { label: `label ${n}` } } : {}),
      ...(shape.keep === "none" ? {} : { keep: shape.keep === "all" ? "all" : ["timeout"] }),
      ...(n === 3 && shape.seed ? { seed: { values: { kind: "own" } } } : {}),
    }),
  );
  return {
    ...studioSpec(),
    table,
    rows,
    deferred: shape.type ? [keyOf(shape, 7)] : [],
    softReferences: [],
    ...(shape.alias === "custom" ? { customAliases: "merge" as const } : {}),
  };
}
