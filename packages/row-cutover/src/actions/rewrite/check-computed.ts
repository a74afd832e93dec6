import { UserError } from "@mcp-fleet/errors";
import type { Client } from "pg";

import { keyName, listed } from "../../decide/keys";
import type { ForwardStep } from "../../decide/steps";
import { keepsAny } from "../../decide/target-document";
import { afterTextSql, specColumns, specRecord } from "../../postgres/documents-sql";
import { codeOf } from "../../postgres/errors";
import type { TableShape } from "../../postgres/table";

/**
 * Lets the database compute the documents that a run would write, where keys of the old ones are kept. The expression is
 * the run's own, so a document that it cannot read is refused by the plan already.
 * @throws UserError that lists the rows by key
 */
export async function checkComputed(
  client: Client,
  shape: TableShape,
  steps: readonly ForwardStep[],
): Promise<void> {
  const keeping = steps.filter(
    ({ action, spec, at }) => action === "rewrite" && at !== undefined && keepsAny(spec),
  );
  if (keeping.length === 0 || (await computes(client, shape, keeping))) return;
  const bad: string[] = [];
  for (const step of keeping) {
    if (bad.length > 20) break;
    if (!(await computes(client, shape, [step]))) bad.push(keyName(step.keyFound ?? step.keyAfter));
  }
  throw new UserError(
    `The database cannot read the document of ${listed(bad)} in ${shape.spec.schema}.${shape.spec.table}, of which something is to be kept.`,
    "Repair the document, leave out [row.keep] of its server, or list the key in [cutover.skip].",
  );
}

async function computes(
  client: Client,
  shape: TableShape,
  steps: readonly ForwardStep[],
): Promise<boolean> {
  const records = steps.map(({ spec, path, json, at }) => ({
    ...specRecord(spec),
    path,
    json: json ?? null,
    ...at,
  }));
  await client.query("savepoint computed");
  try {
    await client.query(
      `with d as materialized (
         select *, target::text as target_text
           from jsonb_to_recordset($1::jsonb) as d(${specColumns}, part oid, tid tid))
       select count(${afterTextSql(shape)}) from d join ${shape.name} t on t.ctid = d.tid and t.tableoid = d.part`,
      [JSON.stringify(records)],
    );
    return true;
  } catch (error) {
    if (!codeOf(error).startsWith("22")) throw error;
    return false;
  } finally {
    await client
      .query("rollback to savepoint computed; release savepoint computed")
      .catch(() => undefined);
  }
}
