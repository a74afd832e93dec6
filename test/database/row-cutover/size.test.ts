import assert from "node:assert/strict";

import { planRows, runCutover } from "@mcp-fleet/row-cutover";

import { benchSpec, tableSql } from "../../../bench/table";
import { cutoverRole, emptyDatabase, meta } from "./support";

describe("the size of a run", function () {
  this.timeout(60_000);

  it("is in the plan before: rows, lock time, and WAL of the right order (S29)", async () => {
    const rows = 4000;
    const database = await emptyDatabase();
    const { db } = database;
    try {
      await database.query(tableSql(rows));
      await database.query(`grant all on servers to ${cutoverRole}`);
      const plan = await planRows(db, benchSpec(rows), "in-cluster");
      assert.equal(plan.size.rows, rows);
      // The actual duration depends on the machine; `make bench` measures it.
      assert.ok(plan.size.lockSeconds > 0.01 && plan.size.lockSeconds < 1);
      assert.match(
        plan.warnings.join(" "),
        /^4000 rows are written in one transaction: .* MiB of WAL/,
      );

      const position = async (): Promise<number> =>
        Number(
          (await database.query<{ at: string }>("select pg_current_wal_lsn() - '0/0' as at"))[0]
            ?.at,
        );
      const before = await position();
      await runCutover(db, benchSpec(rows), "in-cluster", meta);
      const factor = ((await position()) - before) / plan.size.walBytes;
      assert.ok(factor > 0.3 && factor < 3, `WAL was ${factor.toFixed(2)} of the estimate`);
      const again = await planRows(db, benchSpec(rows), "in-cluster");
      assert.deepEqual(again.size, { rows: 0, lockSeconds: 0, walBytes: 0 });
    } finally {
      await database.drop();
    }
  });
});
