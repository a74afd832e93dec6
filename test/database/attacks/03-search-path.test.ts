import assert from "node:assert/strict";

import {
  drift,
  finalize,
  planRows,
  readCredentials,
  runCutover,
  settle,
} from "@mcp-fleet/row-cutover";

import { onEachPostgres } from "../../support/postgres";
import {
  type AttackedDatabase,
  attackedDatabase,
  caught,
  cutoverRole,
  meta,
  rowSpec,
  studioSpec,
  watch,
} from "./support";

/** Functions and operators that match a call of ours better than the server's own. Each records who ran it. */
const twins = (schema: string): string => {
  const spy = (signature: string, returns: string, value: string): string =>
    `create function ${schema}.${signature} returns ${returns} language plpgsql as
       $$ begin insert into public.caught values (current_user, ''); return ${value}; exception when read_only_sql_transaction then return ${value}; end $$;`;
  return `
    ${spy("jsonb_build_object(text, text)", "jsonb", "'{}'")}
    ${spy("jsonb_build_object(text, text, text, text)", "jsonb", "'{}'")}
    ${spy("cardinality(text[])", "integer", "0")}
    ${spy("current_setting(text, boolean)", "text", "'x'")}
    ${spy("to_jsonb(public.mcp_servers)", "jsonb", "'{}'")}
    ${spy("set_config(text, text, boolean)", "text", "$2")}
    ${spy("hashtext(text)", "integer", "1")}
    ${spy("coalesce_text(text, text)", "boolean", "true")}
    create operator ${schema}.= (function = ${schema}.coalesce_text, leftarg = text, rightarg = text);
    ${spy("same_key(varchar, varchar)", "boolean", "true")}
    create operator ${schema}.= (function = ${schema}.same_key, leftarg = varchar, rightarg = varchar);
    ${spy("same_kind(varchar, text)", "boolean", "true")}
    create operator ${schema}.= (function = ${schema}.same_kind, leftarg = varchar, rightarg = text);
    grant usage on schema ${schema} to public;`;
};

onEachPostgres("nobody's names stand before the server's own (issue 16, item 3)", (server) => {
  let database: AttackedDatabase;
  const spec = studioSpec({
    rows: studioSpec().rows.map(({ key }) =>
      rowSpec(String(key), {
        set: { name: `MCP ${String(key)}` },
        seed: {
          condition: "select from integration_settings where provider = 'nothing'",
          values: { created_at: "now" },
        },
      }),
    ),
  });
  beforeEach(async () => {
    database = await attackedDatabase(server(), { schema: "text", atlassianKey: "both" });
    await watch(database);
  });
  afterEach(() => database.drop());

  /** Every call of this package as the cutover's role, and the application's writes under the fence. */
  async function everything(): Promise<void> {
    await planRows(database.db, spec, "in-cluster");
    await readCredentials(database.db, spec);
    await runCutover(database.db, spec, "in-cluster", meta);
    await database.query(
      "set search_path = pg_catalog; update public.mcp_servers set config_json = 'x = 1' where server_key = 'github'",
    );
    await database.query("delete from public.caught where who not in ($1)", [cutoverRole]);
    await settle(database.db, spec, 1);
    await drift(database.db, spec);
    await planRows(database.db, spec, "embedded");
    await runCutover(database.db, spec, "embedded", meta);
    await settle(database.db, spec, 2);
    await finalize(database.db, spec, 2);
  }

  it("a stranger's functions in public are not called", async () => {
    await database.query(`grant select on mcp_servers to public`);
    await database.as(database.strangerUrl, twins("public"));
    const before = await database.snapshot();
    await everything();
    assert.deepEqual(await caught(database), []);
    assert.deepEqual((await database.snapshot()).rows, before.rows);
  });

  it("a search_path that has the database or the role of them is not used", async () => {
    await database.query(`grant select on mcp_servers to public`);
    await database.as(database.strangerUrl, `create schema evil; ${twins("evil")}`);
    await database.query(
      `alter database ${database.name} set search_path = evil, pg_catalog, public`,
    );
    await everything();
    assert.deepEqual(await caught(database), []);
  });

  it("settings that change what a statement means are ours", async () => {
    const [version] = await database.query<{ n: number }>(
      "select current_setting('server_version_num')::int as n",
    );
    const newer = (version?.n ?? 0) >= 170_000;
    const settings = {
      quote_all_identifiers: "on",
      standard_conforming_strings: "off",
      transform_null_equals: "on",
      array_nulls: "off",
      extra_float_digits: "-15",
      datestyle: "'SQL, DMY'",
      bytea_output: "escape",
      ...(newer ? { transaction_timeout: "'200ms'" } : {}),
      default_transaction_read_only: "on",
    };
    await database.query(
      `do $$ begin ${Object.entries(settings)
        .map(([name, value]) => `alter database ${database.name} set ${name} = ${value};`)
        .join(" ")} end $$`,
    );
    const db = { connectionString: database.db.connectionString };
    const run = await runCutover(db, spec, "in-cluster", meta);
    assert.equal(run.counts.rewrite, 5);
    assert.equal((await runCutover(db, spec, "embedded", meta)).counts.restore, 5);
  });
});
