import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type KubernetesObject, KubernetesObjectApi } from "@kubernetes/client-node";
import { connectKube } from "@mcp-fleet/kube";
import { metrics } from "@mcp-fleet/metrics";
import { parseAllDocuments } from "yaml";

import { labNamespace as namespace } from "../../lab/companions";
import { withClient } from "../../lab/database/access";
import { databaseServiceName, databaseServicePort } from "../../lab/database/service";
import { ensureImages } from "../../lab/images";
import { kubeConfigOf } from "../../lab/kube";
import { consoleLog } from "../../lab/log";
import { type Lab, openLab } from "../../lab/session";
import { mcpFleet } from "../support/cli";
import { drawDashboard } from "../support/dashboard-picture";
import { panelExpressions } from "../support/dashboards";
import { eventually } from "../support/eventually";
import { freePort } from "../support/port";
import {
  prometheusTools,
  pushgatewayTool,
  type Scraper,
  type ScrapeTarget,
  startPrometheus,
} from "../support/prometheus";
import { usedSelectors } from "../support/promql";

const role = `checks_${randomBytes(3).toString("hex")}`;
const password = randomBytes(12).toString("hex");
const secret = "mcp-fleet-checks";
const server = "llmctl-mcp-chroma";

/** The exporter as a stack deploys it, with a login that only reads, under a real Prometheus. */
describe("cluster: the exporter of verify and drift", function () {
  this.timeout(6 * 60_000);
  let lab: Lab;
  let directory: string;
  let prometheus: Scraper;
  let image: string;
  let started: number;
  /** The DSN for pods, with the read-only login. */
  let databaseUrl: string;

  before(async function () {
    this.timeout(60 * 60_000); // the first run of all builds the cluster and the images
    const tools = await prometheusTools();
    if (typeof tools === "string") {
      process.stdout.write(`    skipped: ${tools}\n`);
      this.skip();
    }
    lab = await openLab({}, consoleLog());
    const images = await ensureImages(lab.cluster, consoleLog(), ["mcp-fleet", "observer"]);
    image = images["mcp-fleet"];
    await lab.up("in-cluster");
    await readerOfRows();
    const exporter = { image, intervalSeconds: 2, database: { secret } };
    const observability = {
      ...{ enabled: true, prometheusOperator: false, dashboards: { enabled: false } },
      // Prometheus is a process of the node here, which policies allow.
      scrapers: { "kubernetes.io/metadata.name": "monitoring" },
      exporter,
      observer: { image: images.observer },
    };
    await lab.up("in-cluster", { observability });
    await tryIsolation();
    const target = async (job: string): Promise<ScrapeTarget> => {
      const where = { namespace, name: `llmctl-studio-${job}` };
      const { spec } = await lab.kube.core.readNamespacedService(where);
      return { job, namespace, url: `http://${spec?.clusterIP}:${spec?.ports?.[0]?.port}` };
    };
    directory = mkdtempSync(join(tmpdir(), "mcp-fleet-exporter-"));
    started = Date.now();
    prometheus = await startPrometheus(tools, directory, [
      await target("exporter"),
      await target("observer"),
    ]);
  });

  after(async () => {
    await prometheus?.stop();
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
    if (lab === undefined) return;
    await lab.up("in-cluster");
    await lab.kube.core.deleteNamespacedSecret({ namespace, name: secret });
    await sql(`drop owned by ${role}`, `drop role ${role}`);
  });

  /** Does what the CronJob's controller does every 15 minutes. */
  async function tryIsolation(): Promise<void> {
    const { context, kubeconfig } = lab.cluster;
    const { batch } = await connectKube({ context }, { kubeconfig });
    const name = "llmctl-studio-isolation-check";
    const cron = await batch.readNamespacedCronJob({ namespace, name });
    const owner = { apiVersion: "batch/v1", kind: "CronJob", name, uid: cron.metadata?.uid ?? "" };
    await batch.createNamespacedJob({
      namespace,
      body: {
        metadata: { name: `${name}-once`, ownerReferences: [owner] },
        spec: cron.spec?.jobTemplate.spec,
      },
    });
  }

  /** As the database's owner; the answer is the last statement's. */
  async function sql(...statements: string[]): Promise<Record<string, unknown>[]> {
    const url = new URL(lab.database.superuserUrl);
    url.pathname = new URL(lab.database.url).pathname;
    return withClient(url.href, async (db) => {
      let rows: Record<string, unknown>[] = [];
      for (const text of statements) {
        ({ rows } = await db.query<Record<string, unknown>>(text));
      }
      return rows;
    });
  }

  /** Grants the rights that docs/security.md lists, and creates a Secret with their login. */
  async function readerOfRows(): Promise<void> {
    const database = new URL(lab.database.url).pathname.slice(1);
    await sql(
      `create role ${role} login password '${password}'`,
      `grant connect on database ${database} to ${role}`,
      `grant select (server_key, server_type, config_json) on mcp_servers to ${role}`,
      `grant usage on schema mcp_cutover to ${role}`,
      `grant select on mcp_cutover.run, mcp_cutover.fenced_write, mcp_cutover.newest_row to ${role}`,
    );
    const url = new URL(lab.database.inClusterUrl(databaseServiceName, databaseServicePort));
    [url.username, url.password] = [role, password];
    databaseUrl = url.href;
    await lab.kube.apply([secretOf({ databaseUrl })]);
  }

  const secretOf = (stringData: Record<string, string>): object => ({
    ...{ apiVersion: "v1", kind: "Secret", stringData },
    metadata: { namespace, name: secret },
  });

  /** Values of a metric by one of its labels. */
  async function byLabel(name: string, label: string): Promise<Record<string, number>> {
    const series = await prometheus.query(name);
    return Object.fromEntries(series.map(({ labels, value }) => [labels[label] ?? "", value]));
  }

  it("gives Prometheus every series of both checks that an alert or a panel asks for, with a fleet that is as it should be", async () => {
    const own = new Set<string>(Object.values(metrics).map(({ name }) => name));
    await eventually("Prometheus has a series for each", async () => {
      const [cutover = ""] = Object.keys(await byLabel(metrics.generation.name, "cutover"));
      const used = usedSelectors({ cutover, server: "chroma" });
      assert.deepEqual(await prometheus.without(used.filter(({ metric }) => own.has(metric))), []);
      return true;
    });
    const verified = await byLabel(metrics.verified.name, "server");
    assert.deepEqual(Object.keys(verified).sort(), [
      ...["atlassian", "chroma", "github", "google-cloud", "llmctl-mcp"],
    ]);
    assert.deepEqual(new Set(Object.values(verified)), new Set([1]));
    const tools = await byLabel(metrics.tools.name, "server");
    const durations = await byLabel(metrics.probeDuration.name, "server");
    for (const key of Object.keys(verified)) {
      assert.ok((tools[key] ?? 0) > 0, `${key} lists ${tools[key]} tools`);
      assert.ok((durations[key] ?? 0) > 0, `${key} took ${durations[key]} s`);
    }
    const drift = await byLabel(metrics.driftRows.name, "kind");
    assert.deepEqual(new Set(Object.values(drift)), new Set([0]));
    assert.deepEqual(await byLabel(metrics.checkUp.name, "check"), {
      ...{ drift: 1, isolation: 1, verify: 1 },
    });
    const reachable = await byLabel(metrics.reachable.name, "workload");
    assert.ok(Object.keys(reachable).includes("llmctl-mcp-github"));
    assert.deepEqual(new Set(Object.values(reachable)), new Set([0]));
    assert.deepEqual(await prometheus.alerts(), []);
  });

  it("tells of a server that is gone, and of it being back", async () => {
    const scale = async (replicas: string): Promise<void> => {
      const args = ["scale", server, replicas, "--wait", "-n", namespace];
      const { exitCode, stderr } = await mcpFleet([...args, "--context", lab.cluster.context], {
        KUBECONFIG: lab.cluster.kubeconfig,
      });
      assert.equal(exitCode, 0, stderr);
    };
    const isVerified = async (verified: number, without: number): Promise<boolean> => {
      const drift = await byLabel(metrics.driftRows.name, "kind");
      const { chroma } = await byLabel(metrics.verified.name, "server");
      return chroma === verified && drift["service-without-backends"] === without;
    };
    // An unresponsive server is probed for a minute, and a round may already have begun.
    const seconds = 150;
    await scale("0");
    try {
      await eventually("chroma is not verified", () => isVerified(0, 1), seconds);
    } finally {
      await scale("1");
    }
    await eventually("chroma is verified again", () => isVerified(1, 0), seconds);
  });

  it("counts a row that somebody changed", async () => {
    const key = "server_key = 'github'";
    const set = (to: string): Promise<unknown> =>
      sql(`update mcp_servers set config_json = ${to} where ${key}`);
    const [row] = await sql(`select config_json::text as document from mcp_servers where ${key}`);
    const changed = async (): Promise<number | undefined> =>
      (await byLabel(metrics.driftRows.name, "kind"))["row-changed"];
    const url = `http://${server}.${namespace}.svc.cluster.local:8000/mcp`;
    await set(`'${JSON.stringify({ url, transport: "streamable-http" })}'`);
    try {
      await eventually("the changed row is counted", async () => (await changed()) === 1);
    } finally {
      await set(`'${String(row?.document).replaceAll("'", "''")}'`);
    }
    await eventually("it is counted no more", async () => (await changed()) === 0);
  });

  it("fills every panel of the fleet's and the server's dashboard; UPDATE_PICTURES=1 draws the former", async () => {
    const values = { server: "chroma" };
    const queries = panelExpressions(values).filter(({ where }) =>
      /MCP (fleet|server)$/.test(where),
    );
    assert.ok(queries.length > 15);
    await eventually("every panel has data", async () => {
      const found = await Promise.all(queries.map(({ expr }) => prometheus.query(expr)));
      const empty = queries.filter((_, index) => found[index]?.length === 0);
      assert.deepEqual(empty, []);
      return true;
    });
    if (process.env.UPDATE_PICTURES !== "1") return;
    const seconds = (Date.now() - started) / 1000;
    const picture = await drawDashboard(prometheus, "mcp-fleet", values, seconds);
    writeFileSync("docs/dashboard.svg", picture);
  });

  it("says what it finds in its log, and no secret", async () => {
    const labelSelector = "mcp-fleet.dev/workload=exporter";
    const { items } = await lab.kube.core.listNamespacedPod({ namespace, labelSelector });
    assert.equal(items.length, 1);
    const name = items[0]?.metadata?.name ?? "";
    const log = await lab.kube.core.readNamespacedPodLog({ namespace, name });
    const lines = log
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { message: string; findings?: number; run_id?: string });
    const said = lines.flatMap(({ message }) => message.split("\n"));
    assert.ok(said.includes("Servers verified, no drift."), log);
    assert.ok(
      said.some((line) => line.startsWith("drift row-changed github: ")),
      log,
    );
    assert.ok(!log.includes(password));
    const rounds = lines.filter(({ findings }) => findings !== undefined);
    assert.equal(new Set(rounds.map((round) => round.run_id ?? "none")).size, rounds.length);
    assert.ok(rounds.every(({ run_id: id = "" }) => /^[0-9a-f-]{36}$/.test(id)));
  });

  it("is sent to a Pushgateway by the CronJob of examples/checks as well", async function () {
    const tool = await pushgatewayTool();
    const elsewhere = lab.cluster.engine !== "bare";
    if (typeof tool === "string" || elsewhere) {
      const why =
        typeof tool === "string" ? tool : "pods of another cluster do not reach this machine";
      process.stdout.write(`    skipped: ${why}\n`);
      this.skip();
    }
    const address = `${lab.cluster.nodeIp}:${await freePort()}`;
    const gateway = spawn(tool.pushgateway, [`--web.listen-address=${address}`], {
      stdio: "ignore",
    });
    const described = await mcpFleet(["describe", "--in-cluster", "--lab"]);
    assert.equal(described.exitCode, 0, described.stderr);
    await lab.kube.apply([secretOf({ databaseUrl, "fleet.json": described.stdout })]);
    const objects = checksAt(`http://${address}`);
    try {
      await lab.kube.apply(objects);
      await eventually("the Pushgateway has every server", async () => {
        const text = await (await fetch(`http://${address}/metrics`)).text();
        return text.match(/^mcp_server_verified\{[^}]*\} 1$/gm)?.length === 5;
      });
    } finally {
      const api = objectsOf(lab.cluster);
      for (const one of objects) {
        await api.delete(one, undefined, undefined, undefined, undefined, "Background");
      }
      gateway.kill();
    }
  });

  /** The example's objects with this image and Pushgateway, and one Job as the CronJob would make it. */
  function checksAt(url: string): KubernetesObject[] {
    const text = readFileSync(join("examples", "checks", "cronjob.yaml"), "utf8")
      .replace(/image: .*/, `image: ${image}`)
      .replace(/namespace: llmctl\b/g, `namespace: ${namespace}`)
      .replace("http://pushgateway.monitoring:9091", url);
    const objects = parseAllDocuments(text).map((one) => one.toJS() as KubernetesObject);
    const cron = objects.find(({ kind }) => kind === "CronJob") as KubernetesObject & {
      spec: { jobTemplate: { spec: object } };
    };
    const { spec } = cron.spec.jobTemplate;
    const metadata = { namespace, name: `${secret}-now` };
    return [...objects, { apiVersion: "batch/v1", kind: "Job", metadata, spec } as object];
  }
});

function objectsOf({ kubeconfig, context }: Lab["cluster"]): KubernetesObjectApi {
  const config = kubeConfigOf({ kubeconfig, context });
  return KubernetesObjectApi.makeApiClient(config);
}
