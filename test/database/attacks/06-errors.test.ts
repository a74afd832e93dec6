import assert from "node:assert/strict";

import { planRows, runCutover, settle } from "@mcp-fleet/row-cutover";

import { secretMark } from "../../../lab/database/schema";
import { onEachPostgres } from "../../support/postgres";
import { type AttackedDatabase, attackedDatabase, meta, refusal, studioSpec } from "./support";

/** Trigger bodies that put the old row into the server's message. */
const quoting: Readonly<Record<string, string>> = {
  "its own text": "raise exception 'no: %', old.config_json;",
  "a code of the server's": "raise exception 'no: %', old.config_json using errcode = '22023';",
  "the code of a lost lock": "raise exception 'no: %', old.config_json using errcode = '55P03';",
  "the code of a refused login":
    "raise exception 'no: %', old.config_json using errcode = '28P01';",
  "the code of a shutdown": "raise exception 'no: %', old.config_json using errcode = '57P01';",
  "fields that name objects": `raise exception 'no' using errcode = '23505', column = old.config_json::text,
    constraint = old.config_json::text, table = old.config_json::text, schema = old.config_json::text, detail = old.config_json::text;`,
  "a statement that cannot be read":
    "execute 'select ' || quote_literal(old.config_json) || ' from';",
  "the name of a table": "execute 'select from ' || quote_ident(left(old.config_json::text, 60));",
  "a cast": "perform old.config_json::text::integer;",
  "the name of a class": "perform old.config_json::text::regclass;",
  "an assertion": "assert false, old.config_json::text;",
};

onEachPostgres("an error quotes no row (issue 16, item 6)", (server) => {
  let database: AttackedDatabase;
  const spec = { ...studioSpec(), timeouts: { lockSeconds: 0.2 } };
  beforeEach(async () => {
    database = await attackedDatabase(server());
  });
  afterEach(() => database.drop());

  async function assertClean(call: Promise<unknown>, message: RegExp): Promise<void> {
    const said = await refusal(call);
    assert.match(said, message);
    for (const secret of [secretMark, "ghp_", "mcp-server-github", "command"])
      assert.ok(!said.includes(secret), said);
    assert.doesNotMatch(
      said,
      /does not fit its column|stayed locked|refuses the login|cannot be reached/,
    );
  }

  for (const [title, body] of Object.entries(quoting)) {
    it(`that a trigger raises with ${title}`, async function () {
      this.timeout(60_000);
      await database.as(
        database.applicationUrl,
        `create function public.loud() returns trigger language plpgsql as $$ begin ${body} return new; end $$;
         create trigger loud before update on public.mcp_servers for each row execute function public.loud()`,
      );
      const before = await database.snapshot();
      await assertClean(
        runCutover(database.db, spec, "in-cluster", meta),
        /Code in the database raised an error while moving the rows: the trigger loud of "public"\."mcp_servers" \(SQLSTATE \w{5}\).*\n.*disable trigger loud/,
      );
      assert.deepEqual(await database.snapshot(), before);
    });
  }

  it("that a rule, a check or a deferred trigger raises", async () => {
    const back = await database.snapshot();
    for (const [make, drop] of [
      [
        "create rule loud as on update to public.mcp_servers do also select old.config_json::text::integer",
        "drop rule loud on public.mcp_servers",
      ],
      [
        "alter table public.mcp_servers add constraint loud check (config_json ? 'command' or config_json::text::regclass is null) not valid",
        "alter table public.mcp_servers drop constraint loud",
      ],
      [
        `create function public.loud() returns trigger language plpgsql as $$ begin raise exception '%', old.config_json; end $$;
         create constraint trigger loud after update on public.mcp_servers deferrable initially deferred for each row execute function public.loud()`,
        "drop trigger loud on public.mcp_servers",
      ],
    ] as const) {
      await database.as(database.applicationUrl, make);
      await assertClean(
        runCutover(database.db, spec, "in-cluster", meta),
        /no row was changed|is not|rules/,
      );
      await database.as(database.applicationUrl, drop);
    }
    assert.deepEqual(await database.snapshot(), back);
  });

  it("and says what to do where a trigger finds its tables by a search_path", async () => {
    await database.as(
      database.applicationUrl,
      `create table public.audit_log (what text); grant insert on public.audit_log to public;
       create function public.audit() returns trigger language plpgsql as $$ begin insert into audit_log values ('x'); return new; end $$;
       create trigger audit after update on public.mcp_servers for each row execute function public.audit()`,
    );
    const { warnings } = await planRows(database.db, spec, "in-cluster");
    assert.match(
      warnings.join("\n"),
      /During a run the unqualified names in public\.audit\(\) of these triggers/,
    );
    const said = await refusal(runCutover(database.db, spec, "in-cluster", meta));
    const fix = /alter function [^;]*;/.exec(said)?.[0] ?? "";
    assert.equal(fix, "alter function public.audit() set search_path = public, pg_temp;");
    await database.as(database.applicationUrl, fix);
    assert.equal((await runCutover(database.db, spec, "in-cluster", meta)).counts.rewrite, 5);
    await settle(database.db, spec, 1);
  });

  it("names what the server itself names", async () => {
    const named = { ...spec, rows: spec.rows.map((row) => ({ ...row, set: { name: "one" } })) };
    await database.as(
      database.applicationUrl,
      "alter table mcp_servers add constraint names_differ unique (name)",
    );
    assert.match(
      await refusal(runCutover(database.db, named, "in-cluster", meta)),
      /"names_differ" \(SQLSTATE 23505\)/,
    );
  });
});
