import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ensureDatabase, findDatabase, stopDatabase } from "../../../lab/database";
import { withClient } from "../../../lab/database/access";
import { silentLog } from "../../../lab/log";
import { freePort } from "../../support/port";
import { refusal } from "./support";

const tables = `
CREATE TABLE public.mcp_servers (id integer PRIMARY KEY, server_key text NOT NULL, config_json text);
ALTER TABLE public.mcp_servers OWNER TO somebody;`;

describe("a dump runs no program (issue 16, item 12)", function () {
  this.timeout(120_000);
  const runDir = mkdtempSync(join(tmpdir(), "lab-dump-"));
  const file = join(runDir, "dump.sql");
  const mark = join(tmpdir(), `lab-dump-${process.pid}`);
  afterEach(async () => {
    await stopDatabase({ runDir });
    rmSync(mark, { force: true });
  });
  after(() => rmSync(runDir, { recursive: true, force: true }));

  async function restore(sql: string): Promise<void> {
    writeFileSync(file, sql);
    await ensureDatabase({ runDir, dump: file, port: await freePort() }, silentLog);
  }

  for (const [title, sql, message] of [
    ["a command for psql", `\\! touch ${mark}`, /a command for psql in line 4/],
    [
      "one in the middle of a line",
      `select 1 \\! touch ${mark}\n`,
      /could not be restored: syntax error/,
    ],
    [
      "one behind a copy",
      `COPY public.mcp_servers (id) FROM stdin;\n1\n\\.\n\\! touch ${mark}`,
      /a command for psql in line 7/,
    ],
    ["one that gives the output to a program", `\\o |touch ${mark}`, /a command for psql/],
    [
      "a setting by which psql reads strings otherwise",
      `set standard_conforming_strings = off;\nselect '\\'; \\! touch ${mark} ';`,
      /could not be restored/,
    ],
    [
      "a copy from a program",
      `COPY public.mcp_servers FROM PROGRAM 'touch ${mark}';`,
      /permission denied/,
    ],
    [
      "a copy to a program",
      `COPY public.mcp_servers TO PROGRAM 'touch ${mark}';`,
      /permission denied/,
    ],
    ["a copy to a file", `COPY public.mcp_servers TO '${mark}';`, /permission denied/],
    ["a function of the machine", "select pg_read_file('/etc/passwd');", /permission denied/],
    ["code in C", "create function f() returns int language c as '/lib/x';", /permission denied/],
    [
      "a setting of the server",
      "alter system set archive_command = 'x';",
      /permission denied|cannot run inside/,
    ],
    ["a superuser", "create role evil superuser;", /permission denied|must be superuser/],
    ["the superuser's rights", "set role postgres;", /permission denied/],
    [
      "a role of the server's",
      "grant pg_execute_server_program to somebody;",
      /permission denied|must have admin/,
    ],
  ] as const) {
    it(`not with ${title}`, async () => {
      assert.match(await refusal(restore(`${tables}\n${sql}\n`)), message);
      assert.equal(existsSync(mark), false, "it ran");
      assert.equal(await findDatabase({ runDir }), undefined);
    });
  }

  it("names that stand before the server's are not called by the superuser afterwards", async () => {
    await restore(`${tables}
create table public.caught (who text);
grant all on public.caught to public;
create function public.differs(name, name) returns boolean language plpgsql as
  $$ begin insert into public.caught values (current_user); return $1::text <> $2::text; end $$;
create operator public.<> (function = public.differs, leftarg = name, rightarg = name);
create function public.format(text, name, name) returns text language plpgsql as
  $$ begin insert into public.caught values (current_user); return 'x'; end $$;`);
    const database = await findDatabase({ runDir });
    assert.ok(database !== undefined);
    const rows = await withClient(database.superuserUrl, (db) =>
      db.query<{ who: string }>("select who from public.caught"),
    );
    assert.deepEqual(rows.rows, []);
  });

  it("what pg_dump writes is restored: rows with every kind of text, and its own commands", async () => {
    const value = "tab\there, line\nbreak, back\\slash, 'quote', größer ✓, \\N, \\.";
    const field = value.replaceAll("\\", "\\\\").replaceAll("\t", "\\t").replaceAll("\n", "\\n");
    await restore(`\\restrict abcDEF123
SET statement_timeout = 0;
${tables}
COPY public.mcp_servers (id, server_key, config_json) FROM stdin;
1\ta\t${field}
2\tb\t\\N
3\tc\t
\\.
\\unrestrict abcDEF123`);
    const database = await findDatabase({ runDir });
    assert.ok(database !== undefined);
    const { rows } = await withClient(database.url, (db) =>
      db.query<{ config_json: string | null }>("select config_json from mcp_servers order by id"),
    );
    assert.deepEqual(
      rows.map((row) => row.config_json),
      [value, null, ""],
    );
    const left = await withClient(database.superuserUrl, (db) =>
      db.query("select from pg_roles where rolname = 'mcp_fleet_restore'"),
    );
    assert.equal(left.rowCount, 0);
  });
});
