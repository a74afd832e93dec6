import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";

import type { ConfigOverrides } from "../../lab/config";
import { applicationRole, databaseName, withClient } from "../../lab/database/access";
import type { Lab } from "../../lab/session";
import { everything, everythingOfUsers, installationBefore } from "../support/lab";
import { queryAt } from "../support/postgres";

/** The application's tables that refer to the servers' rows. */
const references = ["agent_task", "chat_thread", "flowchart_node", "task_template"].map(
  (name) => `${name}_mcp_servers`,
);

/** The lab's stack with a database role that the program creates: `database.manage`, through the engine's plugins. */
describe("a cutover with a role of its own making", function () {
  this.timeout(10 * 60_000);
  const [admin, role] = ["database_admin", "cutover_of_the_stack"];
  const password = randomBytes(12).toString("hex");
  let lab: Lab;
  let legacy: string;
  let managed: ConfigOverrides;

  before(async function () {
    this.timeout(60 * 60_000);
    lab = await installationBefore("jsonb");
    // A login that may create roles and grant them the application's tables, and is not a superuser.
    await withClient(lab.database.superuserUrl, async (db) => {
      await db.query(`create role ${admin} login createrole password '${password}'`);
      await db.query(`grant ${applicationRole} to ${admin} with admin option`);
      await db.query(`grant create, connect on database ${databaseName} to ${admin}`);
      // The other role's ledger is from the baseline run.
      await db.query("drop schema if exists mcp_cutover cascade");
    });
    const url = new URL(lab.database.cutoverUrl);
    [url.username, url.password] = [admin, password];
    managed = {
      databaseUrl: url.href,
      database: {
        ...{ connect: "direct", tls: "disable" },
        manage: { role, memberOf: applicationRole, tables: references },
      },
    };
    legacy = await everythingOfUsers(lab);
  });

  after(async () => {
    if (lab === undefined) return;
    await lab.stack.destroy();
    await withClient(lab.database.superuserUrl, async (db) => {
      await db.query("drop schema if exists mcp_cutover cascade");
      for (const one of [role, admin]) {
        await db.query(`drop owned by ${one}`).catch(() => undefined);
        await db.query(`drop role if exists ${one}`);
      }
    });
  });

  it("moves the rows as that role, whose password is in no state or file in clear", async () => {
    const { outputs } = await lab.up("in-cluster", managed);
    assert.equal(outputs.generation, 1);
    const [ledger] = await queryAt<{ owner: string }>(
      lab.database.superuserUrl,
      "select pg_get_userbyid(nspowner) as owner from pg_namespace where nspname = 'mcp_cutover'",
    );
    assert.equal(ledger?.owner, role);
    const state = await lab.stack.ask(["stack", "export"]);
    const clear = await lab.stack.ask(["stack", "export", "--show-secrets"]);
    const made = /"result":\s*\{[^}]*"plaintext":\s*"\\"(\w+)\\""/.exec(clear)?.[1] ?? "";
    assert.ok(made.length >= 20, "the password was not found where it is to be a secret");
    assert.ok(!state.includes(made) && !state.includes(password));
  });

  it("changes nothing in a second run", async () => {
    const rows = await everything(lab);
    const { changes } = await lab.up("in-cluster", managed);
    assert.deepEqual([...new Set(changes.map(({ op }) => op))], ["same"]);
    assert.equal(await everything(lab), rows);
  });

  it("goes back as that role", async () => {
    await lab.up("embedded", managed);
    assert.equal(await everythingOfUsers(lab), legacy);
  });
});
