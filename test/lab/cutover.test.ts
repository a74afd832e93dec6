import assert from "node:assert/strict";

import type { Done } from "@mcp-fleet/engine";
import { Client } from "pg";

import { labNamespace } from "../../lab/companions";
import { legacyRows } from "../../lab/database/schema";
import { rowsSnapshot } from "../../lab/database/snapshot";
import { type LoadResult, underLoad } from "../../lab/load";
import type { Lab } from "../../lab/session";
import {
  everything,
  everythingOfUsers,
  installationBefore,
  studioConnected,
  studioPods,
  studioUrl,
} from "../support/lab";
import { queryAt } from "../support/postgres";

/** One line of the ledger: the database's own times. */
interface LedgerRow {
  readonly committed: Date;
  readonly settled: Date | null;
}

for (const generation of ["jsonb", "text"] as const) {
  describe(`the whole path, rows in ${generation}`, function () {
    this.timeout(10 * 60_000);
    let lab: Lab;
    let legacy: string;

    before(async function () {
      this.timeout(60 * 60_000);
      lab = await installationBefore(generation);
      legacy = await everythingOfUsers(lab);
    });

    it("starts from Studio with its bundled servers", async () => {
      const view = await studioConnected(lab, "embedded");
      assert.deepEqual([...new Set(view.servers.map((server) => server.transport))], ["stdio"]);
    });

    it("cuts over without a failed request, and in this order", async () => {
      const oldPods = await studioPods(lab);
      const { run, syncs, stepsBack } = await watched(lab, 1, () => lab.up("in-cluster"));
      assert.deepEqual(run.failures, []);
      // In the older schema the new pods change the column's type, which makes the old pods' queries fail.
      if (generation === "jsonb") assert.deepEqual(syncs.failures, []);
      assert.ok(syncs.requests - syncs.failures.length > 20, "hardly any write-back was asked for");
      assert.equal(stepsBack, 0, "rows were written back after the transaction");
      assert.ok(run.requests > 20, `only ${run.requests} requests were sent`);

      const view = await studioConnected(lab, "in-cluster");
      assert.deepEqual(
        view.servers.map((server) => `${server.transport} ${server.endpoint}`),
        [
          `streamable-http http://llmctl-mcp-atlassian.${labNamespace}.svc.cluster.local:8000/mcp`,
          `streamable-http http://llmctl-mcp-chroma.${labNamespace}.svc.cluster.local:8000/mcp`,
          `streamable-http http://llmctl-mcp-github.${labNamespace}.svc.cluster.local:8000/mcp`,
          `streamable-http http://llmctl-mcp-google-cloud.${labNamespace}.svc.cluster.local:8000/mcp`,
          `streamable-http http://llmctl-mcp.${labNamespace}.svc.cluster.local:9020/mcp`,
        ],
      );
      assertOrder(await moments(lab, run.result, oldPods, 1));
      assert.equal(await fenceStands(lab), false);
    });

    it("changes nothing in a second run", async () => {
      const before = await everything(lab);
      const pods = await studioPods(lab);
      const { changes, outputs } = await lab.up("in-cluster");
      assert.deepEqual(
        changes.filter((change) => change.op !== "same"),
        [],
      );
      assert.equal(outputs.generation, 1);
      assert.equal(await everything(lab), before);
      assert.deepEqual(await studioPods(lab), pods);
    });

    it("rolls back without a failed request: rows as they were, then Studio", async () => {
      const { run } = await watched(lab, 2, () => lab.up("embedded"));
      assert.deepEqual(run.failures, []);
      const view = await studioConnected(lab, "embedded");
      assert.deepEqual([...new Set(view.servers.map((server) => server.transport))], ["stdio"]);
      if (generation === "jsonb") assert.equal(await everythingOfUsers(lab), legacy);
      else await assertLegacyDocuments(lab);
      assert.equal(await fenceStands(lab), false);
    });

    it("goes forward again as a new generation", async () => {
      const { outputs } = await lab.up("in-cluster");
      assert.equal(outputs.generation, 3);
      await studioConnected(lab, "in-cluster");
    });
  });
}

describe("without the write fence", function () {
  this.timeout(10 * 60_000);

  it("a rewrite does not survive the rollout: the old pods write their rows back", async function () {
    this.timeout(60 * 60_000);
    const lab = await installationBefore("jsonb");
    const { stepsBack } = await watched(lab, 1, () =>
      lab.up("in-cluster", { cutover: { fence: false } }),
    );
    assert.ok(stepsBack > 0, "nothing was written back, so the fence has nothing to hold");
    // Settle and the new pods bring the rows to the target anyway.
    await studioConnected(lab, "in-cluster");
    assert.deepEqual(
      (await lab.rows()).filter((row) => row.type === "integrated" && row.transport === "stdio"),
      [],
    );
  });
});

/**
 * The switched application converted the column to jsonb, so the old text cannot come back byte for byte: every
 * old document comes back as the application's own conversion has it.
 */
async function assertLegacyDocuments(lab: Lab): Promise<void> {
  const { columnType, servers } = await rowsSnapshot(lab.database.url);
  assert.equal(columnType, "jsonb");
  for (const [key, row] of legacyRows()) {
    const found = servers.find((server) => server.server_key === key)?.config_json ?? "null";
    assert.deepEqual(JSON.parse(found), row.document);
  }
}

interface Watched {
  /** A client that reads which servers Studio is connected to. */
  readonly run: LoadResult & { readonly result: Done };
  /** A client that requests the list of servers, at which old pods write their rows back. */
  readonly syncs: LoadResult;
  /** How often an integrated row had its old form after the generation was committed. */
  readonly stepsBack: number;
}

/** Runs `work` while two clients send ten requests a second each to Studio, and watches the rows. */
async function watched(lab: Lab, generation: number, work: () => Promise<Done>): Promise<Watched> {
  const db = new Client({ connectionString: lab.database.superuserUrl });
  await db.connect();
  let done = false;
  let stepsBack = 0;
  const look = async (): Promise<void> => {
    while (!done) {
      if (await isCommitted(db, generation)) {
        const found = await db.query<{ n: number }>(
          `select count(*)::int as n from mcp_servers where server_type = 'integrated' and config_json::text like '%command%'`,
        );
        stepsBack += found.rows[0]?.n ?? 0;
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const looking = look();
  try {
    const studio = await studioUrl(lab);
    // A request is lost when it is refused, cut or never answered; with two busy cores it may be answered late.
    const patience = { timeoutSeconds: 20 };
    const { result: syncs, ...rest } = await underLoad(
      `${studio}/servers`,
      () => underLoad(`${studio}/mcps`, work, patience),
      patience,
    );
    return { run: { ...rest, result: syncs.result }, syncs, stepsBack };
  } finally {
    done = true;
    await looking;
    await db.end();
  }
}

async function isCommitted(db: Client, generation: number): Promise<boolean> {
  const ledger = await db.query<{ there: boolean }>(
    "select to_regclass('mcp_cutover.run') is not null as there",
  );
  if (ledger.rows[0]?.there !== true) return false;
  const run = await db.query("select from mcp_cutover.run where generation = $1", [generation]);
  return run.rowCount === 1;
}

interface Moments {
  readonly lastServerReady: Date;
  readonly probesDone: Date;
  readonly committed: Date;
  readonly firstNewPod: Date;
  readonly settled: Date;
}

/** The time of each step, by the cluster's and the database's clocks, which are both this machine's. */
async function moments(
  lab: Lab,
  run: Done,
  oldPods: readonly string[],
  generation: number,
): Promise<Moments> {
  const servers = await lab.kube.core.listNamespacedPod({
    namespace: labNamespace,
    labelSelector: "app.kubernetes.io/component=mcp-server",
  });
  const ready = servers.items.map(
    (pod) => pod.status?.conditions?.find((one) => one.type === "Ready")?.lastTransitionTime,
  );
  assert.equal(ready.length, 5);
  const runs = run.outputs.probeRuns as { completedAt: string }[];
  assert.ok(runs.length > 0, "no probe ran");
  const pods = await lab.kube.core.listNamespacedPod({
    namespace: labNamespace,
    labelSelector: "mcp-fleet.dev/workload=studio",
  });
  const fresh = pods.items.filter((pod) => !oldPods.includes(pod.metadata?.name ?? ""));
  assert.ok(fresh.length > 0, "no new Studio pod");
  const ledger = await ledgerRow(lab, generation);
  assert.ok(ledger.settled !== null, "the run is not settled");
  return {
    lastServerReady: latest(ready),
    probesDone: latest(runs.map((one) => new Date(one.completedAt))),
    committed: ledger.committed,
    firstNewPod: earliest(fresh.map((pod) => pod.metadata?.creationTimestamp)),
    settled: ledger.settled,
  };
}

/** Kubernetes truncates its times to seconds, PostgreSQL does not, so seconds are compared. */
function assertOrder(at: Moments): void {
  const line = [
    ["last server Ready", at.lastServerReady],
    ["probe Jobs done", at.probesDone],
    ["transaction committed", at.committed],
    ["first new Studio pod", at.firstNewPod],
    ["fence removed", at.settled],
  ] as const;
  for (const [index, [name, time]] of line.entries()) {
    const next = line[index + 1];
    if (next === undefined) continue;
    assert.ok(
      seconds(time) <= seconds(next[1]),
      `${name} (${time.toISOString()}) came after ${next[0]} (${next[1].toISOString()})`,
    );
  }
  assert.ok(seconds(at.lastServerReady) < seconds(at.settled), "the times are not told apart");
}

function seconds(time: Date): number {
  return Math.floor(time.getTime() / 1000);
}

function latest(times: readonly (Date | undefined)[]): Date {
  return new Date(Math.max(...times.map((time) => new Date(time ?? Number.NaN).getTime())));
}

function earliest(times: readonly (Date | undefined)[]): Date {
  return new Date(Math.min(...times.map((time) => new Date(time ?? Number.NaN).getTime())));
}

async function ledgerRow(lab: Lab, generation: number): Promise<LedgerRow> {
  const rows = await queryAt<LedgerRow>(
    lab.database.superuserUrl,
    "select committed_at as committed, settled_at as settled from mcp_cutover.run where generation = $1",
    [generation],
  );
  const row = rows[0];
  assert.ok(row !== undefined, `generation ${generation} is not in the ledger`);
  return row;
}

async function fenceStands(lab: Lab): Promise<boolean> {
  const rows = await queryAt<{ n: number }>(
    lab.database.superuserUrl,
    "select count(*)::int as n from pg_trigger where tgrelid = 'mcp_servers'::regclass and not tgisinternal",
  );
  return rows[0]?.n !== 0;
}
