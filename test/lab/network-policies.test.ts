import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";

import { KubeConfig, NetworkingV1Api, type V1NetworkPolicy } from "@kubernetes/client-node";

import { chromaName, labNamespace as namespace } from "../../lab/companions";
import { labServers } from "../../lab/config";
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

/** What each gets through to, of all that {@link targets} has. */
const reached: Record<Profile, string[]> = {
  none: [],
  dns: ["names"],
  cluster: ["names", "a pod of its namespace"],
  internet: ["names", "an address outside"],
};

const executor = { "llmctl.executor": "true" };
const serverNames = ["llmctl-mcp", "github", "atlassian", "chroma", "google-cloud"].map((key) =>
  key === "llmctl-mcp" ? key : `llmctl-mcp-${key}`,
);

/** Doors that are open and shut, asked from pods with the labels that the policies go by. */
describe("NetworkPolicies that are enforced", function () {
  this.timeout(5 * 60_000);
  const elsewhere = `elsewhere-${randomBytes(3).toString("hex")}`;
  let lab: Lab;
  let policies: NetworkingV1Api;
  const listeners: Record<string, Listener> = {};
  const callers: Record<string, Caller> = {};
  /** Name of a place -> `host:port`. */
  let targets: Record<string, string>;
  let servers: Record<string, string>;

  before(async function () {
    this.timeout(60 * 60_000);
    lab = await openLab({}, consoleLog());
    if (lab.cluster.engine !== "bare") {
      process.stdout.write(
        "    skipped: it needs addresses of the node, which is another machine\n",
      );
      this.skip();
    }
    const config = new KubeConfig();
    config.loadFromFile(lab.cluster.kubeconfig);
    config.setCurrentContext(lab.cluster.context);
    policies = config.makeApiClient(NetworkingV1Api);
    const own = labServers(lab.facts.images);
    const changed = Object.entries(profiles).map(([egress, key]) => [key, { ...own[key], egress }]);
    await lab.up("in-cluster", { servers: { ...own, ...Object.fromEntries(changed) } });
    await restrictedNamespace(lab.kube, elsewhere);
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
  });

  async function makeTargets(): Promise<void> {
    listeners.node = await listenAt(lab.cluster.nodeIp, true);
    // Of an example's range (RFC 5737), which no policy takes for a private one; and where AWS gives tasks their role.
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
    servers = Object.fromEntries(
      await Promise.all(serverNames.map(async (name) => [name, await service(name)] as const)),
    );
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

  /** The names of what a caller gets through to. */
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

  it("let no stranger to a server, in the namespace or outside of it, nor one server to another", async () => {
    const strangers = ["unlabelled", "elsewhere", "elsewhere with the executor's labels"];
    for (const name of [...strangers, "of-the-stack", "egress-cluster", "egress-internet"])
      assert.deepEqual(await open(name, servers), [], name);
  });

  for (const profile of Object.keys(profiles) as Profile[]) {
    it(`let a server with egress ${profile} out to ${reached[profile].join(", ") || "nowhere"}, and nowhere else`, async () => {
      assert.deepEqual(await reachedBy(`egress-${profile}`), reached[profile]);
    });
  }

  it("let the probe's pods do what the executor's can, and no more", async () => {
    assert.deepEqual(await reachedBy("probe"), await reachedBy("executor"));
  });

  it("leave Studio at work: verify finds nothing", async () => {
    const { exitCode, stderr } = await mcpFleet(["verify", "--lab"], {}, 300);
    assert.equal(exitCode, 0, stderr);
    assert.ok((await lab.studio()).servers.every(({ transport }) => transport !== "stdio"));
  });

  /** Takes policies away for as long as `look` runs. */
  async function without(names: readonly string[], look: () => Promise<void>): Promise<void> {
    const taken: V1NetworkPolicy[] = [];
    for (const name of names) {
      const { metadata, ...rest } = await policies.readNamespacedNetworkPolicy({ namespace, name });
      taken.push({
        ...{ apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", spec: rest.spec },
        metadata: {
          ...{ namespace, name },
          ...{ labels: metadata?.labels, annotations: metadata?.annotations },
        },
      });
      await policies.deleteNamespacedNetworkPolicy({ namespace, name });
    }
    try {
      await look();
    } finally {
      for (const body of taken) await policies.createNamespacedNetworkPolicy({ namespace, body });
    }
  }

  const deny = "llmctl-studio-default-deny";
  /** A door that another state of the policies opens or shuts, within a minute. */
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
      await without([name, deny], () => door("unlabelled", servers[name], "open"));
      await door("unlabelled", servers[name], "shut");
    });
  }

  it("taken away, the default one: a pod of the stack that has no policy of its own gets out", async () => {
    await door("of-the-stack", targets["an address outside"], "shut");
    await without([deny], () => door("of-the-stack", targets["an address outside"], "open"));
    await door("of-the-stack", targets["an address outside"], "shut");
  });
});
