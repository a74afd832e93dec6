import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { onEachPostgres, queryAt } from "../../support/postgres";

const sources = "packages/row-cutover/src";

/** Words of SQL and of PL/pgSQL that precede a parenthesis without being functions, and names in our own statements. */
const syntax = new Set(
  `all and any array as between by case check coalesce columns conflict create cross cutover default delete distinct else
   end exception exclude execute exists filter from full greatest group having if in inner insert is join key lateral
   left limit materialized nullif not on or order over overlaps partition perform primary references returning row
   select set some table tablesample then trigger union unique update using values when where with within
   view system repeatable security_barrier explain literal d k o x t r s g computed u journal run fenced_write journal_key
   journal_run journal_renamed journal_reference fenced_write_run keys`.split(/\s+/),
);

/** Template literals with SQL in the sources, without the inserted values. */
function statements(): string[] {
  const found: string[] = [];
  for (const file of readdirSync(sources, { encoding: "utf8", recursive: true }).filter((name) =>
    name.endsWith(".ts"),
  )) {
    const text = readFileSync(join(sources, file), "utf8")
      .replace(/\/\*[\s\S]*?\*\//g, "")
      .replace(/^\s*\/\/.*$/gm, "");
    for (const [literal] of text.matchAll(/`(?:[^`\\]|\\.)*`|"(?:[^"\\\n]|\\.)*"/g)) {
      if (/\b(select|insert into|update|delete from|jsonb|array\[|pg_|::)/.test(literal))
        found.push(literal);
    }
  }
  return found;
}

onEachPostgres("every name in our SQL is the server's own (issue 16, item 3)", (server) => {
  it("functions", async () => {
    const names = new Set<string>();
    for (const sql of statements()) {
      // String literals, comments, and inserted code in the SQL.
      const bare = sql
        .replace(/\$\{[^}]*\}/g, " x ")
        .replace(/'[^']*'/g, "''")
        .replace(/--.*$/gm, "");
      for (const [, before = "", name = ""] of bare.matchAll(/([.\w]?)\b([a-z_][a-z0-9_]*)\s?\(/g))
        if (before !== "." && !syntax.has(name)) names.add(name);
    }
    assert.ok(names.size > 40, [...names].join(" "));
    for (const needed of ["jsonb_build_object", "cardinality", "pg_xact_status", "string_agg"])
      assert.ok(names.has(needed), needed);
    const missing = await queryAt<{ name: string }>(
      server(),
      `select name from unnest($1::text[]) name where not exists (
         select from pg_catalog.pg_proc p where p.proname = name and p.pronamespace = 'pg_catalog'::regnamespace)
        and not exists (select from pg_catalog.pg_type t where t.typname = name and t.typnamespace = 'pg_catalog'::regnamespace)`,
      [[...names]],
    );
    // Features of later servers are used only after a version check.
    assert.deepEqual(
      missing.map(({ name }) => name),
      [],
    );
  });

  it("operators", async () => {
    const operators = new Set<string>();
    for (const sql of statements()) {
      const bare = sql
        .replace(/\$\{[^}]*\}/g, " x ")
        .replace(/'[^']*'/g, "''")
        .replace(/--.*$/gm, "");
      for (const [, operator = ""] of bare.matchAll(/\s([-+*/<>=~!@#%^&|?]+)\s/g))
        operators.add(operator);
    }
    for (const needed of ["=", "<>", "||", "->", "->>", "?", "-"])
      assert.ok(operators.has(needed), needed);
    const missing = await queryAt<{ name: string }>(
      server(),
      `select name from unnest($1::text[]) name where not exists (
         select from pg_catalog.pg_operator o where o.oprname = name and o.oprnamespace = 'pg_catalog'::regnamespace)`,
      // Names of JavaScript in inserted code.
      [[...operators].filter((one) => !["=>", "??", "===", "!==", "&&", "!="].includes(one))],
    );
    assert.deepEqual(
      missing.map(({ name }) => name),
      [],
    );
  });
});
