import assert from "node:assert/strict";

import { isUserError } from "@mcp-fleet/errors";
import { type CutoverSpec, planRows, type RowSpec, runCutover } from "@mcp-fleet/row-cutover";
import fc from "fast-check";

import { meta } from "./meta";
import {
  addTenants,
  type TenantRow,
  type TenantsDatabase,
  tenantsDatabase,
  tenantsSpec,
} from "./tenants";

const documents = [
  '{"command": "npx", "args": ["-y", "server"], "env": {"API_TOKEN": "x", "PLAIN": "1"}}',
  '{"command": "npx", "timeout": 30}',
  '{"command": "uvx", "env": {"CERT": "/etc/cert.pem"}}',
  '{"url": "http://elsewhere/mcp", "transport": "sse"}',
  '{"url": "http://mcp-a.ai.svc.cluster.local:8000/mcp", "transport": "streamable-http"}',
  '{"url": "http://mcp-a.ai.svc.cluster.local:8000/other", "transport": "streamable-http"}',
  '{"mcp_servers": {"a": {"command": "wrapped"}}}',
  '{"command": "npx", "note": "\\u00e9"}',
];
const server = fc.constantFrom("a", "b", "c");
const rows = fc.array(fc.record({ server, config: fc.constantFrom(...documents) }), {
  minLength: 1,
  maxLength: 12,
});
/** Changes to a row after it was moved. */
const edits = fc.array(
  fc.record({
    tenant: fc.integer({ min: 1, max: 12 }),
    sql: fc.constantFrom(
      "delete from tenant_servers where tenant_id = $1",
      "update tenant_servers set label = 'edited' where tenant_id = $1",
      `update tenant_servers set config = '{"url": "http://mcp-a.ai.svc.cluster.local:8000/x", "transport": "streamable-http"}' where tenant_id = $1`,
      `update tenant_servers set config = (config::jsonb || '{"added": [1, 2]}')::CONFIG where tenant_id = $1`,
      `update tenant_servers set config = (config::jsonb || '{"url": "http://changed/mcp"}')::CONFIG where tenant_id = $1`,
      `update tenant_servers set config = '{"command": "old", "env": {"API_TOKEN": "y"}}' where tenant_id = $1`,
    ),
  }),
  { maxLength: 5 },
);
const entry: fc.Arbitrary<Partial<RowSpec>> = fc.record(
  {
    keep: fc.constantFrom("all" as const, ["timeout", "note"]),
    headers: fc.constant({ Authorization: "Bearer x" }),
    applicationOwns: fc.constant(["url"] as const),
    set: fc.constant({ label: "moved" }),
  },
  { requiredKeys: [], noNullPrototype: true },
);

/** The same rows with an entry for each of them: a table with a row for each server. */
function perServer(spec: CutoverSpec, rowsOf: readonly TenantRow[]): CutoverSpec {
  const { match: _, ...table } = spec.table;
  const made = rowsOf.map(({ server: name }, i) => {
    const found = spec.rows.find(({ key }) => key === name);
    assert.ok(found);
    return { ...found, key: [String(i + 1), name] };
  });
  return { ...spec, table, rows: made, deferred: [] };
}

for (const type of ["text", "json", "jsonb"] as const) {
  describe(`both layouts come to the same rows, ${type}`, function () {
    this.timeout(180_000);
    let databases: readonly TenantsDatabase[];
    before(async () => {
      databases = [await tenantsDatabase(type, []), await tenantsDatabase(type, [])];
    });
    after(async () => {
      for (const database of databases) await database.drop();
    });

    /**
     * Runs it in both, and checks that both succeed or both refuse.
     * @returns whether they succeeded
     */
    async function both(
      specs: readonly CutoverSpec[],
      target: "in-cluster" | "embedded",
    ): Promise<boolean> {
      const answers: unknown[] = [];
      for (const [i, database] of databases.entries()) {
        const spec = specs[i];
        assert.ok(spec);
        try {
          const plan = await planRows(database.db, spec, target);
          const { counts, repeated } = await runCutover(database.db, spec, target, meta);
          answers.push({ counts, repeated, noop: plan.noop, size: plan.size.rows });
        } catch (error) {
          assert.ok(isUserError(error), String(error));
          answers.push("refused");
        }
      }
      assert.deepEqual(answers[0], answers[1]);
      return answers[0] !== "refused";
    }

    async function sameRows(): Promise<void> {
      const [one, other] = await Promise.all(databases.map((database) => rowsNow(database)));
      assert.deepEqual(one, other);
    }

    it("forward, again after edits, and back", async () => {
      let went = 0;
      const property = fc.asyncProperty(
        rows,
        entry,
        edits,
        fc.constantFrom("keep" as const, "force" as const, "fail" as const),
        fc.boolean(),
        async (some, row, changes, onConflict, again) => {
          const spec = tenantsSpec(row, { onConflict, fence: false });
          const specs = [spec, perServer(spec, some)];
          for (const database of databases) {
            await database.query(
              "drop schema if exists mcp_cutover cascade; delete from tenant_servers",
            );
            await addTenants(database, type, some);
          }
          if (!(await both(specs, "in-cluster"))) return;
          await sameRows();
          for (const database of databases)
            for (const { tenant, sql } of changes)
              await database.query(sql.replace("CONFIG", type), [tenant]);
          if (again && !(await both(specs, "in-cluster"))) return;
          await sameRows();
          if (!(await both(specs, "embedded"))) return;
          await sameRows();
          went += 1;
        },
      );
      await fc.assert(property, { numRuns: 10, interruptAfterTimeLimit: 60_000 });
      assert.ok(went > 3, `${went} went there and back`);
    });
  });
}

/** The current rows; of the time of the last change, only whether it is the earlier one. */
async function rowsNow(database: TenantsDatabase): Promise<unknown> {
  return (await database.rows()).map(({ updated = "", ...row }) => ({
    ...row,
    untouched: updated.startsWith("2025-01-02 03:04:05.678901"),
  }));
}
