import assert from "node:assert/strict";

import { planRows, runCutover } from "@mcp-fleet/row-cutover";

import { onEachPostgres } from "../../support/postgres";
import {
  type AttackedDatabase,
  attackedDatabase,
  caught,
  cutoverRole,
  meta,
  refusal,
  rowSpec,
  studioSpec,
  watch,
} from "./support";

/** A function that records the role it runs as. */
const spying = `create function public.seen() returns text language plpgsql as
  $$ begin insert into public.caught values (current_user, ''); return '1'; end $$;
  create function public.fired() returns trigger language plpgsql as $$ begin perform public.seen(); return new; end $$;`;

onEachPostgres(
  "a table that a stranger made under a configured name (issue 16, item 3)",
  (server) => {
    let database: AttackedDatabase;
    const spec = studioSpec();
    beforeEach(async () => {
      database = await attackedDatabase(server(), { schema: "jsonb", atlassianKey: "both" });
      await watch(database);
      await database.as(database.strangerUrl, spying);
    });
    afterEach(() => database.drop());

    it("is not written as a list of ids", async () => {
      await database.as(database.applicationUrl, "drop table public.integration_settings");
      await database.as(
        database.strangerUrl,
        `create table public.integration_settings (id integer primary key, provider text, key text, value text);
       insert into public.integration_settings select 1, 'chat', 'default_mcp_server_ids', string_agg(n::text, ',') from generate_series(1, 20) n;
       create trigger t before update on public.integration_settings for each row execute function public.fired();
       grant all on public.integration_settings to public`,
      );
      for (const call of [planRows, runCutover]) {
        const said = await refusal(call(database.db, spec, "in-cluster", meta));
        assert.match(
          said,
          /integration_settings belongs to the role rc_stranger, which may not write the rows of public\.mcp_servers/,
        );
        assert.match(said, /alter table public\.integration_settings owner to/);
      }
      assert.deepEqual(await caught(database), []);
      // It is not used either if the application owns it.
      await database.query("alter table public.integration_settings owner to rc_application");
      await database.query("alter function public.fired() owner to rc_application");
      assert.equal((await runCutover(database.db, spec, "in-cluster", meta)).counts.merge, 1);
      await database.query("alter table public.integration_settings owner to rc_stranger");
      await database.query("truncate public.caught");
      assert.match(
        await refusal(runCutover(database.db, spec, "embedded", meta)),
        /belongs to the role rc_stranger/,
      );
      assert.deepEqual(await caught(database), []);
    });

    it("is not found by the condition of a seed", async () => {
      await database.as(
        database.strangerUrl,
        `create view public.feature_flags as select public.seen() as name; grant select on public.feature_flags to ${cutoverRole}`,
      );
      const seeding = {
        ...spec,
        rows: [
          ...spec.rows,
          rowSpec("drive", {
            secretKeys: [],
            seed: {
              condition: "select 1 from feature_flags where name = '1'",
              values: { name: "Drive", created_at: "now" },
            },
          }),
        ],
      };
      assert.match(
        await refusal(planRows(database.db, seeding, "in-cluster")),
        /relation "feature_flags" does not exist/,
      );
      assert.match(await refusal(runCutover(database.db, seeding, "in-cluster", meta)), /42P01/);
      assert.deepEqual(await caught(database), []);
    });
  },
);
