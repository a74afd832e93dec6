import assert from "node:assert/strict";

import { readLedger, runCutover, settle } from "@mcp-fleet/row-cutover";

import { onEachPostgres } from "../../support/postgres";
import {
  type AttackedDatabase,
  attackedDatabase,
  meta,
  refusal,
  studioSpec,
  targetOf,
} from "./support";

/** What a trigger of the table does to a run's rows. */
const bodies: Readonly<Record<string, string>> = {
  "writes our row": `update public.mcp_servers set config_json = '{"command": "x"}' where id = new.id;`,
  "writes another row":
    "update public.mcp_servers set description = 'x' where server_type = 'custom';",
  "deletes another row": "delete from public.mcp_servers where server_type = 'custom';",
  "deletes our row": "delete from public.mcp_servers where id = new.id;",
  "makes a row": `insert into public.mcp_servers (name, server_key, config_json, server_type, created_at, updated_at)
    values ('x', 'x' || new.id, '{}', 'custom', now(), now());`,
};

const when: Readonly<
  Record<string, { readonly trigger: string; readonly wrap: (body: string) => string }>
> = {
  "at once, in a subtransaction": {
    trigger: "create trigger t after update on public.mcp_servers",
    wrap: (body) => `begin ${body} exception when division_by_zero then null; end;`,
  },
  "put off until COMMIT": {
    trigger:
      "create constraint trigger t after update on public.mcp_servers deferrable initially deferred",
    wrap: (body) => body,
  },
  "put off, in a subtransaction": {
    trigger:
      "create constraint trigger t after update on public.mcp_servers deferrable initially deferred",
    wrap: (body) => `begin ${body} exception when division_by_zero then null; end;`,
  },
};

onEachPostgres("a run whose rows others change is taken back (issue 16, item 18)", (server) => {
  let database: AttackedDatabase;
  const spec = studioSpec();
  beforeEach(async () => {
    database = await attackedDatabase(server());
    await database.as(
      database.applicationUrl,
      `delete from task_template_mcp_servers; delete from agent_task_mcp_servers; delete from chat_thread_mcp_servers;
       delete from flowchart_node_mcp_servers`,
    );
  });
  afterEach(() => database.drop());

  for (const [how, { trigger, wrap }] of Object.entries(when)) {
    for (const [what, body] of Object.entries(bodies)) {
      it(`where a trigger ${what} ${how}`, async () => {
        const make = (): Promise<unknown> =>
          database.as(
            database.applicationUrl,
            `create function public.t() returns trigger language plpgsql security definer set search_path = pg_catalog as
               $$ begin ${wrap(body)} return new; end $$;
             ${trigger} for each row when (pg_trigger_depth() = 0) execute function public.t()`,
          );
        await make();
        const before = await database.snapshot();
        const message = /: a trigger or rule of the table .*; nothing was committed/;
        assert.match(await refusal(runCutover(database.db, spec, "in-cluster", meta)), message);
        assert.deepEqual(await database.snapshot(), before);
        assert.equal(await readLedger(database.db, spec), undefined);
        await database.as(database.applicationUrl, "drop function public.t() cascade");
        // The same for an undo, and while the rollout is settled.
        await runCutover(database.db, { ...spec, fence: false }, "in-cluster", meta);
        await database.query(
          `update mcp_servers set config_json = '{"command": "late"}' where server_key = 'github'`,
        );
        await make();
        const late = await database.snapshot();
        assert.match(await refusal(settle(database.db, { ...spec, fence: false }, 1)), message);
        const force = { ...spec, fence: false, onConflict: "force" as const };
        assert.match(await refusal(runCutover(database.db, force, "embedded", meta)), message);
        assert.deepEqual(await database.snapshot(), late);
      });
    }
  }

  it("and one that only looks takes none back", async () => {
    await database.as(
      database.applicationUrl,
      `create function public.t() returns trigger language plpgsql as
         $$ begin begin perform 1 / (new.id - new.id); exception when division_by_zero then null; end; return new; end $$;
       create constraint trigger t after update on public.mcp_servers deferrable initially deferred for each row execute function public.t()`,
    );
    assert.equal((await runCutover(database.db, spec, "in-cluster", meta)).counts.rewrite, 5);
    assert.equal((await runCutover(database.db, spec, "embedded", meta)).counts.restore, 5);
  });

  it("one that puts itself off again until COMMIT finds the fence up", async () => {
    await database.as(
      database.applicationUrl,
      `create table public.hops (n integer);
       create function public.t() returns trigger language plpgsql security definer set search_path = pg_catalog as
         $$ begin set constraints all deferred; insert into public.hops values (1); return new; end $$;
       create function public.late() returns trigger language plpgsql security definer set search_path = pg_catalog as
         $$ begin update public.mcp_servers set config_json = '{"command": "x"}', description = 'late' where server_key = 'github'; return new; end $$;
       create constraint trigger t after update on public.mcp_servers deferrable initially deferred for each row
         when (new.server_key = 'github' and new.description is distinct from 'late') execute function public.t();
       create constraint trigger late after insert on public.hops deferrable initially deferred for each row execute function public.late()`,
    );
    assert.equal((await runCutover(database.db, spec, "in-cluster", meta)).counts.rewrite, 5);
    const [row] = await database.query<{ url: string; description: string }>(
      "select config_json ->> 'url' as url, description from mcp_servers where server_key = 'github'",
    );
    assert.deepEqual(row, { url: targetOf("github").url, description: "late" });
    assert.equal((await settle(database.db, spec, 1)).fencedWrites, 1);
  });

  it("and its COMMIT is on the disk before it counts, whatever the database is set to", async () => {
    await database.as(
      database.applicationUrl,
      `alter database ${database.name} set synchronous_commit = off;
       create table public.seen (what text); grant all on public.seen to public;
       create function public.t() returns trigger language plpgsql as
         $$ begin insert into public.seen values (current_setting('synchronous_commit')); return new; end $$;
       create trigger t after update on public.mcp_servers for each row execute function public.t()`,
    );
    await runCutover(database.db, spec, "in-cluster", meta);
    assert.deepEqual(await database.query("select distinct what from public.seen"), [
      { what: "local" },
    ]);
  });
});
