import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";

import {
  type KubernetesObject,
  NetworkingV1Api,
  type V1NetworkPolicy,
} from "@kubernetes/client-node";
import type { DenyReport } from "@mcp-fleet/operations";

import { chromaName, labNamespace as namespace } from "../../lab/companions";
import { labServers } from "../../lab/config";
import { ensureImages } from "../../lab/images";
import { kubeConfigOf } from "../../lab/kube";
import { consoleLog } from "../../lab/log";
import { type Lab, openLab } from "../../lab/session";
import { listenAt, type Listener } from "../support/addresses";
import { type Caller, callerPod } from "../support/caller";
import { mcpFleet } from "../support/cli";
import { eventually } from "../support/eventually";
import { restrictedNamespace } from "../support/example";

/** A server for each profile of `egress`. */
const profiles = {
  none: "github",
  dns: "google-cloud",
  cluster: "llmctl-mcp",
  internet: "atlassian",
} as const;
type Profile = keyof typeof profiles;

/** The reachable {@link targets} of each. */
const reached: Record<Profile, string[]> = {
  none: [],
  dns: ["names"],
  cluster: ["names", "a pod of its namespace"],
  internet: ["names", "an address outside"],
};

const executor = { "llmctl.executor": "true" };
const manager = "llmctl-studio-manager";
const exporter = "llmctl-studio-exporter";
const secret = "checks-of-policies";

const serverNames = ["llmctl-mcp", "github", "atlassian", "chroma", "google-cloud"].map((key) =>
  key === "llmctl-mcp" ? key : `llmctl-mcp-${key}`,
);

/** Allowed and denied connections, tried from pods with the labels that the policies select. */
describe("NetworkPolicies that are enforced (issue 16, item 8)", function () {
  this.timeout(5 * 60_000);
  const elsewhere = `elsewhere-${randomBytes(3).toString("hex")}`;
  let lab: Lab;
  let policies: NetworkingV1Api;
  const listeners: Record<string, Listener> = {};
  const callers: Record<string, Caller> = {};
  /** Name of a target to its `host:port`. */
  let targets: Record<string, string>;
  let servers: Record<string, string>;
  /** Manager and exporter. */
  let others: Record<string, string>;
  let studio: string;
  let outputs: Awaited<ReturnType<Lab["up"]>>["outputs"];

  before(async function () {
    this.timeout(60 * 60_000);
    lab = await openLab({}, consoleLog());
    if (lab.cluster.engine !== "bare") {
      process.stdout.write(
        "    skipped: it needs addresses of the node, which is another machine\n",
      );
      this.skip();
    }
    const config = kubeConfigOf(lab.cluster);
    policies = config.makeApiClient(NetworkingV1Api);
    await restrictedNamespace(lab.kube, elsewhere);
    const images = await ensureImages(lab.cluster, consoleLog(), ["mcp-fleet"]);
    const own = labServers(lab.facts.images);
    const changed = Object.entries(profiles).map(([egress, key]) => [key, { ...own[key], egress }]);
    await lab.kube.apply([
      {
        ...{ apiVersion: "v1", kind: "Secret", metadata: { namespace, name: secret } },
        stringData: { databaseUrl: lab.facts.studioDatabaseUrl },
      } as KubernetesObject,
    ]);
    const image = images["mcp-fleet"];
    ({ outputs } = await lab.up("in-cluster", {
      servers: { ...own, ...Object.fromEntries(changed) },
      manager: { enabled: true, image, clients: [{ name: "agents", labels: executor }] },
      observability: {
        ...{ enabled: true, prometheusOperator: false, dashboards: { enabled: false } },
        scrapers: { "kubernetes.io/metadata.name": "monitoring" },
        exporter: { image, database: { secret } },
      },
    }));
    await makeTargets();
    await makeCallers();
  });

  after(async function () {
    this.timeout(5 * 60_000);
    for (const caller of Object.values(callers)) await caller.remove();
    for (const listener of Object.values(listeners)) await listener.close();
    if (lab?.cluster.engine !== "bare") return;
    await lab.kube.core.deleteNamespace({ name: elsewhere });
    await lab.up("in-cluster");
    await lab.kube.core.deleteNamespacedSecret({ namespace, name: secret });
  });

  async function makeTargets(): Promise<void> {
    listeners.node = await listenAt(lab.cluster.nodeIp, true);
    // In a documentation range (RFC 5737), which no policy counts as private; and the address of AWS task roles.
    listeners.outside = await listenAt("203.0.113.7", false);
    listeners.metadata = await listenAt("169.254.170.2", false);
    callers.elsewhere = await callerPod(lab, { namespace: elsewhere, name: "stranger" });
    const { status } = await lab.kube.core.readNamespacedPod({
      namespace: elsewhere,
      name: "stranger",
    });
    const service = async (name: string, where = namespace): Promise<string> => {
      const { spec } = await lab.kube.core.readNamespacedService({ namespace: where, name });
      return `${spec?.clusterIP}:${spec?.ports?.[0]?.port}`;
    };
    targets = {
      "a pod of its namespace": await service(chromaName),
      "a pod of another": `${status?.podIP}:8080`,
      "the API server": await service("kubernetes", "default"),
      "the node": listeners.node.at,
      "the database": `${lab.cluster.nodeIp}:${new URL(lab.database.url).port}`,
      metadata: listeners.metadata.at,
      "an address outside": listeners.outside.at,
    };
    const placed = async (names: readonly string[]): Promise<Record<string, string>> =>
      Object.fromEntries(
        await Promise.all(names.map(async (name) => [name, await service(name)] as const)),
      );
    servers = await placed(serverNames);
    others = await placed([manager, exporter]);
    studio = await service("llmctl-studio");
  }

  async function makeCallers(): Promise<void> {
    const probe = { ...executor, "mcp-fleet.dev/probe-run": "1", "mcp-fleet.dev/probe-owner": "x" };
    const here: Record<string, Record<string, string>> = {
      unlabelled: {},
      executor,
      probe,
      "of-the-stack": { "app.kubernetes.io/managed-by": "mcp-fleet" },
    };
    for (const [profile, key] of Object.entries(profiles)) {
      const name = key === "llmctl-mcp" ? key : `llmctl-mcp-${key}`;
      const { spec } = await lab.kube.apps.readNamespacedDeployment({ namespace, name });
      here[`egress-${profile}`] = spec?.template.metadata?.labels ?? {};
    }
    for (const [name, labels] of Object.entries(here)) {
      callers[name] = await callerPod(lab, { namespace, name: `caller-${name}` }, labels);
    }
    const alike = { namespace: elsewhere, name: "alike" };
    callers["elsewhere with the executor's labels"] = await callerPod(lab, alike, executor);
  }

  const callerOf = (name: string): Caller => {
    const caller = callers[name];
    assert.ok(caller !== undefined, name);
    return caller;
  };

  /** The names of the targets that a caller can reach. */
  async function open(name: string, places: Record<string, string>): Promise<string[]> {
    const caller = callerOf(name);
    const asked = await Promise.all(
      Object.entries(places).map(async ([place, at]) => ((await caller.opens(at)) ? [place] : [])),
    );
    return asked.flat();
  }

  async function reachedBy(name: string): Promise<string[]> {
    const names = await callerOf(name).resolves("kubernetes.default.svc.cluster.local");
    return [...(names ? ["names"] : []), ...(await open(name, targets))];
  }

  it("let the application's pods through to every server", async () => {
    for (const name of ["executor", "probe"])
      assert.deepEqual(await open(name, servers), serverNames, name);
  });

  it("let no stranger to a server, the manager or the exporter, in the namespace or outside, nor one server to another", async () => {
    const strangers = ["unlabelled", "elsewhere", "elsewhere with the executor's labels"];
    for (const name of [...strangers, "of-the-stack", "egress-internet"])
      assert.deepEqual(await open(name, { ...servers, ...others }), [], name);
    // If egress to the namespace is allowed, kube-router lets pods of one policy reach each other: other
    // replicas.

    const foreign = Object.entries({ ...servers, ...others }).filter(
      ([name]) => name !== profiles.cluster,
    );
    assert.deepEqual(await open("egress-cluster", Object.fromEntries(foreign)), []);
    assert.deepEqual(await open("executor", others), [manager]);
  });

  for (const profile of Object.keys(profiles) as Profile[]) {
    it(`let a server with egress ${profile} out to ${reached[profile].join(", ") || "nowhere"}, and nowhere else`, async () => {
      assert.deepEqual(await reachedBy(`egress-${profile}`), reached[profile]);
    });
  }

  it("let the probe's pods do what the executor's can, and no more", async () => {
    assert.deepEqual(await reachedBy("probe"), await reachedBy("executor"));
  });

  /** Tries by the command line. */
  async function deny(): Promise<{ exitCode: number; enforced: string; open: string[] }> {
    const args = ["verify", "--lab", "--deny", "--other-namespace", elsewhere, "-o", "json"];
    const { exitCode, stdout, stderr } = await mcpFleet(args, {}, 300);
    assert.ok([0, 10].includes(exitCode ?? -1), stderr);
    const { enforced, strangers } = JSON.parse(stdout) as DenyReport;
    const open = strangers.flatMap(({ from, results }) =>
      results.filter(({ reachable }) => reachable).map(({ name }) => `${name} from ${from}`),
    );
    assert.equal(strangers.length, 3);
    for (const { problem, results } of strangers) {
      assert.equal(problem, undefined);
      assert.equal(results.length, serverNames.length + 2);
    }
    return { exitCode: exitCode ?? -1, enforced, open };
  }

  it("are found to be enforced by the run, and by verify --deny", async () => {
    const { enforced, reason } = outputs.networkPolicies as { enforced: string; reason: string };
    assert.equal(enforced, "yes", reason);
    assert.deepEqual(await deny(), { exitCode: 0, enforced: "yes", open: [] });
  });

  it("leave Studio at work: verify finds nothing", async () => {
    const { exitCode, stderr } = await mcpFleet(["verify", "--lab"], {}, 300);
    assert.equal(exitCode, 0, stderr);
    assert.ok((await lab.studio()).servers.every(({ transport }) => transport !== "stdio"));
  });

  /** Removes policies while `look` runs. They are restored as the engine's, or its next update would conflict. */
  async function without(names: readonly string[], look: () => Promise<void>): Promise<void> {
    const taken = await Promise.all(
      names.map((name) => policies.readNamespacedNetworkPolicy({ namespace, name })),
    );
    for (const name of names) await policies.deleteNamespacedNetworkPolicy({ namespace, name });
    try {
      await look();
    } finally {
      for (const { metadata, spec } of taken) {
        const { name, labels, annotations, managedFields = [] } = metadata ?? {};
        const body: V1NetworkPolicy = {
          ...{ apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", spec },
          metadata: { namespace, name, labels, annotations },
        };
        await lab.kube.apply(
          [body],
          managedFields.find((one) => one.operation === "Apply")?.manager,
        );
      }
    }
  }

  const closed = "llmctl-studio-default-deny";
  /** Waits up to a minute until another state of the policies allows or denies a connection. */
  const door = (from: string, at: string | undefined, is: "open" | "shut"): Promise<void> =>
    eventually(
      `${from} finds ${at} ${is}`,
      async () => (await callerOf(from).opens(at ?? "")) === (is === "open"),
      60,
    );

  for (const name of serverNames) {
    it(`taken away, that of ${name} and the default one: a stranger gets in, and so these tests can fail`, async () => {
      await without([name], () => door("executor", servers[name], "shut"));
      await door("executor", servers[name], "open");
      await without([name, closed], () => door("unlabelled", servers[name], "open"));
      await door("unlabelled", servers[name], "shut");
    });
  }

  it("taken away, that of the manager and the default one: a stranger gets in", async () => {
    await without([manager, closed], () => door("unlabelled", others[manager], "open"));
    await door("unlabelled", others[manager], "shut");
  });

  it("taken away, that of the exporter, that of Studio, whose labels it wears, and the default one: a stranger gets in", async () => {
    const all = [exporter, "llmctl-studio", closed];
    await without(all, () => door("unlabelled", others[exporter], "open"));
    await door("unlabelled", others[exporter], "shut");
  });

  it("taken away, that of a server and the default one: verify --deny says which door is open", async () => {
    await without(["llmctl-mcp-github", closed], async () => {
      await door("unlabelled", servers["llmctl-mcp-github"], "open");
      const { exitCode, enforced, open: doors } = await deny();
      assert.deepEqual([exitCode, enforced], [10, "no"]);
      const places = [
        `without labels in namespace ${namespace}`,
        `without labels in namespace ${elsewhere}`,
        `with a consumer's labels in namespace ${elsewhere}`,
      ];
      assert.deepEqual(
        doors,
        places.map((place) => `llmctl-mcp-github from a pod ${place}`),
      );
    });
  });

  it("taken away, the default one: a pod of the stack that has no policy of its own gets out", async () => {
    await door("of-the-stack", targets["an address outside"], "shut");
    await without([closed], () => door("of-the-stack", targets["an address outside"], "open"));
    await door("of-the-stack", targets["an address outside"], "shut");
  });

  it("taken away, Studio's: nobody gets in, since the default one stands", async () => {
    await without(["llmctl-studio"], () => door("unlabelled", studio, "shut"));
    await door("unlabelled", studio, "open");
  });

  it("are all taken away here once", async () => {
    const { items } = await policies.listNamespacedNetworkPolicy({ namespace });
    const tested = [...serverNames, closed, manager, exporter, "llmctl-studio"];
    assert.deepEqual(items.map(({ metadata }) => metadata?.name).sort(), tested.sort());
  });
});
