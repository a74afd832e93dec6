import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

import { BatchV1Api } from "@kubernetes/client-node";
import type { RoleObject } from "@mcp-fleet/cluster";
import { PulumiStack } from "@mcp-fleet/engine";

import { auditedNamespace, auditLog } from "../../lab/cluster/control-plane";
import { labNamespace as namespace } from "../../lab/companions";
import { labConfig, labServers, type LabTarget } from "../../lab/config";
import { applicationRole, withClient } from "../../lab/database/access";
import { stackName as labStackName } from "../../lab/engine";
import { ensureImages } from "../../lab/images";
import { kubeConfigOf } from "../../lab/kube";
import { consoleLog } from "../../lab/log";
import { paths } from "../../lab/paths";
import { type Lab, openLab } from "../../lab/session";
import { commit, type Moment, Proxy } from "../database/row-cutover/proxy";
import { mcpFleet } from "../support/cli";
import { eventually } from "../support/eventually";
import { restrictedNamespace } from "../support/example";
import { removeInstallation, removeNamespace } from "../support/lab";
import { type EndedJob, PodUpdates } from "../support/pod-update";

const deploy = auditedNamespace;
const account = "mcp-fleet";
const stackName = `${labStackName}-inside`;
/** With a header the probe's Jobs get a Secret. */
const headers = { headers: { "X-Tenant": "studio" } };

/** The Job of `examples/in-cluster`, with the users' image, and an account with the printed Role. */
describe("updates from inside the cluster", function () {
  this.timeout(8 * 60_000);
  let lab: Lab;
  let proxy: Proxy;
  let stack: PulumiStack;
  let updates: PodUpdates;
  let batch: BatchV1Api;
  let roles: RoleObject[];
  let legacy: string;

  before(async function () {
    this.timeout(60 * 60_000);
    await removeInstallation();
    lab = await openLab({ schema: "jsonb" }, consoleLog());
    if (lab.cluster.engine !== "bare") {
      process.stdout.write("    skipped: it reads the API server's audit log on this machine\n");
      this.skip();
    }
    const config = kubeConfigOf(lab.cluster);
    batch = config.makeApiClient(BatchV1Api);
    const { runner } = await ensureImages(lab.cluster, consoleLog(), ["runner"]);
    await removeNamespace(lab.cluster, deploy);
    await restrictedNamespace(lab.kube, deploy);
    legacy = await rows();
    proxy = await openProxy();
    stack = await sharedStack();
    await configure("in-cluster");
    const applied = { apiVersion: "v1", metadata: { name: account, namespace: deploy } };
    await lab.kube.apply([
      { ...applied, kind: "ServiceAccount" },
      {
        ...{ ...applied, kind: "Secret", metadata: { name: "mcp-fleet-state", namespace: deploy } },
        stringData: {
          backend: stack.place.env?.PULUMI_BACKEND_URL,
          passphrase: stack.place.env?.PULUMI_CONFIG_PASSPHRASE,
        },
      } as object,
    ]);
    roles = await printedRoles();
    await lab.kube.apply(roles);
    updates = new PodUpdates(lab, deploy, runner, stackName);
  });

  after(async function () {
    this.timeout(5 * 60_000);
    await proxy?.close();
    rmSync(stackFile, { force: true });
    if (lab?.cluster.engine !== "bare") return;
    await removeNamespace(lab.cluster, deploy);
    await removeInstallation();
  });

  const stackFile = join(paths.projectDir, `Pulumi.${stackName}.yaml`);
  const stateDatabase = "pulumi_state";
  /** Where pods reach it. */
  const openProxy = (): Promise<Proxy> => Proxy.open(lab.database.cutoverUrl, lab.cluster.nodeIp);

  /** State in PostgreSQL, which both pods and this machine reach. */
  async function sharedStack(): Promise<PulumiStack> {
    await withClient(lab.database.superuserUrl, async (db) => {
      await db.query(`drop database if exists ${stateDatabase} with (force)`);
      await db.query(`create database ${stateDatabase} owner ${applicationRole}`);
    });
    const { nodeIp } = lab.cluster;
    const backend = new URL(lab.database.inClusterUrl(nodeIp, lab.database.port));
    backend.protocol = "postgres:";
    backend.pathname = `/${stateDatabase}`;
    backend.search = "sslmode=disable";
    const { command, env = {} } = lab.stack.place;
    const made = new PulumiStack({
      ...{ directory: paths.projectDir, stack: stackName, ...(command && { command }) },
      env: { ...env, PULUMI_BACKEND_URL: backend.href },
    });
    await made.create();
    return made;
  }

  /** @param change to each server; "none" leaves them all out */
  async function configure(target: LabTarget, change: object | "none" = headers): Promise<void> {
    const none = change === "none";
    const servers = Object.entries(none ? {} : labServers(lab.facts.images)).map(
      ([key, server]) => [key, { ...server, ...(change as object) }] as const,
    );
    const facts = {
      ...lab.facts,
      databaseUrl: proxy.db.connectionString,
      ...(none ? { serverSecrets: {} } : {}),
    };
    const overrides = {
      allowed: { namespaces: [namespace] },
      servers: Object.fromEntries(servers),
    };
    // The pod uses its own service account.
    const {
      "kubernetes:kubeconfig": _file,
      "kubernetes:context": _context,
      ...config
    } = labConfig(facts, target, overrides);
    await stack.configure(config);
  }

  async function printedRoles(): Promise<RoleObject[]> {
    const { exitCode, stdout, stderr } = await mcpFleet(
      [
        ...["grants", "--service-account", `${deploy}:${account}`, "--stack", stackName],
        ...["--output", "json"],
      ],
      { ...stack.place.env, KUBECONFIG: lab.cluster.kubeconfig },
    );
    assert.equal(exitCode, 0, stderr);
    return JSON.parse(stdout) as RoleObject[];
  }

  const rows = (): Promise<string> =>
    withClient(lab.database.url, async (db) => {
      const { rows: found } = await db.query<{ row: string }>(
        // Without the rows that Studio writes at each start.
        "select (to_jsonb(s) - 'updated_at' - 'description')::text as row from mcp_servers s order by id",
      );
      return found.map(({ row }) => row).join("\n");
    });

  const start = (...args: string[]): Promise<string> =>
    updates.start(readFileSync(stackFile, "utf8"), args);

  const run = async (...args: string[]): Promise<EndedJob> => updates.ended(await start(...args));

  /** Runs an update whose first pod is killed once `reached` resolves; another pod must complete it. */
  async function takenOver(reached: () => Promise<unknown>): Promise<void> {
    const job = await start();
    await reached();
    updates.kill();
    const { complete, pods } = await updates.ended(job);
    const logs = pods.map(({ log }) => log).join("\n----\n");
    assert.deepEqual([complete, ...pods.map(({ exitCode }) => exitCode)], [true, 137, 0], logs);
    assert.match(logs, /locked by update-\d+-\w+, a pod that is gone: canceling/);
    assert.equal((await stack.outputs()).generation, (generation += 1));
  }

  let generation = 0;

  /** Blocks the database connection from this moment on, once. */
  async function heldAt(moment: Moment): Promise<() => Promise<void>> {
    const before = proxy;
    proxy = await openProxy();
    await before.close();
    proxy.hold = moment;
    await configure("in-cluster");
    return () => proxy.held;
  }

  const succeeds = ({ complete, pods }: EndedJob): void => {
    assert.deepEqual([complete, pods.length], [true, 1], pods.map(({ log }) => log).join("\n"));
    generation += 1;
  };

  it("ended while the servers start: the next pod finds them and goes on", async () => {
    await takenOver(() =>
      eventually("the server is there", () =>
        lab.kube.apps.readNamespacedDeployment({ namespace, name: "llmctl-mcp-github" }),
      ),
    );
    assert.notEqual(await rows(), legacy);
  });

  it("ended while the application rolls out, rows already back: the next pod ends the rollout", async () => {
    await configure("embedded");
    await takenOver(() => eventually("the rows are back", async () => (await rows()) === legacy));
    assert.equal(await rows(), legacy);
  });

  it("ended while the servers are asked: they are asked again, and no row was touched", async () => {
    await configure("in-cluster");
    await takenOver(async () => {
      await eventually(
        "a probe runs",
        async () => (await batch.listNamespacedJob({ namespace })).items.length > 0,
      );
      assert.equal(await rows(), legacy);
    });
  });

  it("ended before COMMIT: the transaction is gone with it, and the next pod moves the rows", async () => {
    await configure("embedded");
    succeeds(await run());
    const held = await heldAt({ ...commit, when: "before" });
    await takenOver(async () => {
      await held();
      assert.equal(await rows(), legacy);
    });
    assert.notEqual(await rows(), legacy);
  });

  it("ended after COMMIT and before its checkpoint: the next pod finds it in the ledger and writes no row", async () => {
    await configure("embedded");
    succeeds(await run());
    const held = await heldAt({ ...commit, when: "after" });
    let moved = "";
    await takenOver(async () => {
      await held();
      moved = await rows();
      assert.notEqual(moved, legacy);
    });
    assert.equal(await rows(), moved);
  });

  it("ended by Kubernetes: steps under way end, nothing stays locked, and the next pod goes on", async () => {
    await configure("embedded");
    const job = await start();
    await eventually("it runs", async () => (await updates.logs(job)).includes("studio"));
    await updates.end(job);
    const { complete, pods } = await updates.ended(job);
    const logs = pods.map(({ log }) => log).join("\n----\n");
    assert.equal(complete, true, logs);
    assert.doesNotMatch(logs, /canceling/);
    assert.equal((await stack.outputs()).generation, (generation += 1));
    assert.equal(await rows(), legacy);
  });

  it("refused: its pod is the last one, and the same update is not tried again at once", async () => {
    await configure("in-cluster", { ...headers, requiredTools: ["no_such_tool"] });
    const refused = await run();
    assert.deepEqual([refused.complete, refused.pods.length], [false, 1]);
    assert.match(refused.pods[0]?.log ?? "", /no_such_tool/);
    const asked = probes();
    assert.ok(asked > 0);
    const again = await start();
    await eventually("it was put off", async () =>
      /failed once, so the next attempt is not before/.test(await updates.logs(again)),
    );
    await updates.remove(again);
    assert.equal(probes(), asked);
    assert.equal(await rows(), legacy);
  });

  it("with one verb less: refused before anything is made, by the right's name", async () => {
    const role = roles.find((one) => one.kind === "Role" && one.metadata.namespace === namespace);
    const rules = rulesOf(role).map((rule) => ({
      ...rule,
      verbs: rule.verbs.filter((verb) => !(verb === "patch" && rule.apiGroups[0] === "apps")),
    }));
    await lab.kube.apply([{ ...role, rules } as object]);
    await configure("in-cluster");
    const { complete, pods } = await run("--now");
    assert.equal(complete, false);
    assert.match(pods[0]?.log ?? "", /may not patch deployments\.apps in namespace /);
    assert.equal(await rows(), legacy);
    await lab.kube.apply(roles);
  });

  it("uses each right that the Role grants, once the servers are gone again too", async () => {
    await configure("embedded", "none");
    succeeds(await run("--now"));
    const used = new Set(audited().map(({ right }) => right));
    const granted = roles.flatMap((role) =>
      rulesOf(role).flatMap(({ apiGroups, resources, verbs }) =>
        resources.flatMap((resource) =>
          verbs.map((verb) =>
            [verb, apiGroups[0], resource, role.metadata.namespace ?? ""].join(" "),
          ),
        ),
      ),
    );
    assert.deepEqual(
      granted.filter((right) => !used.has(right)),
      [],
    );
  });
});

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

const rulesOf = (role: RoleObject | undefined): Rule[] => (role?.rules ?? []) as Rule[];

/** How many probes ran: the number of their Jobs. */
const probes = (): number =>
  audited().filter(({ right }) => right === `create batch jobs ${namespace}`).length;

/** The account's requests to the API server, as `verb group resource namespace`. */
function audited(): { readonly right: string }[] {
  const user = `system:serviceaccount:${deploy}:${account}`;
  return readFileSync(auditLog, "utf8")
    .split("\n")
    .filter((line) => line.includes(user))
    .flatMap((line) => {
      const { verb, objectRef = {}, responseStatus } = JSON.parse(line) as AuditEvent;
      const { apiGroup = "", resource = "", subresource, namespace: where = "" } = objectRef;
      const full = subresource === undefined ? resource : `${resource}/${subresource}`;
      // A patch that creates an object is one request and needs both verbs.
      const verbs = verb === "patch" && responseStatus?.code === 201 ? ["patch", "create"] : [verb];
      return verbs.map((one) => ({ right: [one, apiGroup, full, where].join(" ") }));
    });
}

interface AuditEvent {
  readonly verb: string;
  readonly responseStatus?: { readonly code?: number };
  readonly objectRef?: {
    readonly apiGroup?: string;
    readonly resource?: string;
    readonly subresource?: string;
    readonly namespace?: string;
  };
}
