import assert from "node:assert/strict";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { join } from "node:path";

import { KubeConfig, type V1Pod } from "@kubernetes/client-node";
import { findServers, findStray, policyEnforcement } from "@mcp-fleet/cluster";
import { probeServers } from "@mcp-fleet/cutover-runner";
import { connectKube } from "@mcp-fleet/kube";
import { probe } from "@mcp-fleet/mcp-probe";
import { Client as McpClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { Client } from "pg";

import { type Cluster, ensureCluster } from "../../lab/cluster";
import { companionObjects, labNamespace } from "../../lab/companions";
import { type Database, ensureDatabase } from "../../lab/database";
import { legacyEnvironments } from "../../lab/database/schema";
import { databaseServiceObjects } from "../../lab/database/service";
import { ensureImages, exampleImageNames, type ImageName, labImageNames } from "../../lab/images";
import { type Kube, openKube } from "../../lab/kube";
import { consoleLog } from "../../lab/log";
import { render } from "../../render/render";
import { writeDirectory } from "../../render/write";
import { mcpFleet } from "../support/cli";
import {
  closeExample,
  type Example,
  onCluster,
  openExample,
  playInfisical,
  restrictedNamespace,
  type StandIn,
  standInCrd,
} from "../support/example";
import { insideOf } from "../support/pod-inside";
import { exampleStacks } from "../support/stack-file";

type Servers = Record<string, Record<string, unknown>>;

/** Seconds a pod may take from its creation to Ready: the todo application's own demand. */
const startSeconds = 30;

describe("the stacks under examples", function () {
  this.timeout(5 * 60_000);
  const run = randomBytes(3).toString("hex");
  const namespaces = {
    todo: `example-todo-${run}`,
    platform: `example-platform-${run}`,
    studio: `example-studio-${run}`,
    dry: `example-dry-${run}`,
  };
  const password = randomBytes(12).toString("hex");
  const role = `todo_${run}`;
  /** A cluster of the user's may have the operator: its CRDs are used as they are, and stay. */
  let standIns: StandIn[] = [];
  let cluster: Cluster;
  let kube: Kube;
  let database: Database;
  let images: Record<ImageName, string>;
  let nodes: string[];
  const examples: Partial<Record<"todo" | "platform" | "studio", Example>> = {};

  before(async function () {
    this.timeout(45 * 60_000);
    const log = consoleLog();
    cluster = await ensureCluster(log);
    images = await ensureImages(cluster, log, [...labImageNames, ...exampleImageNames]);
    database = await ensureDatabase({ listen: cluster.nodeIp }, log);
    kube = openKube(cluster.kubeconfig, cluster.context);
    nodes = await nodeRanges(kube);
    standIns = await missingCrds(cluster);
    await kube.apply([...companionObjects(images["chroma-server"]), ...standIns]);
    const own = [namespaces.todo, namespaces.studio, namespaces.dry];
    for (const name of own) await restrictedNamespace(kube, name);
    await surroundTodo();
    await surroundStudio();
    Object.assign(examples, openAll());
  });

  after(async () => {
    if (kube === undefined) return;
    const there = (await kube.core.listNamespace()).items.map(({ metadata }) => metadata?.name);
    for (const name of Object.values(namespaces)) {
      if (there.includes(name)) await kube.core.deleteNamespace({ name });
    }
    await withDatabase(database.superuserUrl, async (db) => {
      await db.query(`drop database if exists ${role} with (force)`);
      await db.query(`drop role if exists ${role}`);
    });
    for (const { metadata } of standIns) await onCluster(cluster, "delete", "crd", metadata.name);
    Object.values(examples).forEach(closeExample);
  });

  /** What the todo application has already: PostgreSQL with its role, behind a Service and a Secret. */
  async function surroundTodo(): Promise<void> {
    await withDatabase(database.superuserUrl, async (db) => {
      await db.query(`create role ${role} login password '${password}'`);
      await db.query(`create database ${role} owner ${role}`);
    });
    const address = { address: cluster.nodeIp, port: Number(new URL(database.url).port) };
    await kube.apply([
      ...databaseServiceObjects({ name: "postgres", namespace: namespaces.todo, ...address }),
      secret(namespaces.todo, "postgres-secret", { POSTGRES_PASSWORD: password }),
    ]);
  }

  /** The Secrets that the Studio example refers to. */
  async function surroundStudio(): Promise<void> {
    const { github = {}, atlassian = {} } = legacyEnvironments();
    const namespace = namespaces.studio;
    await kube.apply([
      secret(namespace, "llmctl-postgres", { LLMCTL_POSTGRES_PASSWORD: password }),
      secret(namespace, "llmctl-mcp-github", github),
      secret(namespace, "llmctl-mcp-atlassian", atlassian),
      secret(namespace, "llmctl-mcp-google-cloud", { SERVICE_ACCOUNT_KEY: "{}" }),
      secret(namespace, "llmctl-mcp-google-workspace", {
        GOOGLE_SERVICE_ACCOUNT_KEY_JSON: serviceAccountOfNobody(),
      }),
    ]);
  }

  /** The examples as they are, but for images of registries that are not here and what surrounds them in the lab. */
  function openAll(): Record<"todo" | "platform" | "studio", Example> {
    const target = { kubeconfig: cluster.kubeconfig, context: cluster.context };
    const image = (servers: Servers, names: Record<string, ImageName>): Servers =>
      Object.fromEntries(
        Object.entries(servers).map(([key, server]) => [
          key,
          { ...server, image: images[names[key] ?? (key as ImageName)] },
        ]),
      );
    const here = { clusters: nodes };
    return {
      todo: openExample("examples/todo/dev", target, {
        namespace: namespaces.todo,
        servers: ({ todo = {} }: Servers) => ({
          todo: {
            ...todo,
            image: images.todo,
            env: {
              ...(todo.env as object),
              DATABASE_URL: `postgresql://${role}:$(POSTGRES_PASSWORD)@postgres:5432/${role}`,
            },
            // The lab's PostgreSQL runs on the node, which is no pod.
            egress: { profile: "cluster", to: [{ cidr: `${cluster.nodeIp}/32` }] },
          },
        }),
      }),
      platform: openExample("examples/ai-platform/stack", target, {
        namespace: namespaces.platform,
        allowed: { ...here, namespaces: [namespaces.platform] },
        servers: ({ clock = {}, outline = {} }: Servers) => ({
          clock: { ...clock, image: images.fastmcp },
          // Another server in the place of Outline's, which needs an Outline; it has no /health.
          outline: {
            ...outline,
            image: images["llmctl-mcp"],
            env: { ...(outline.env as object), PORT: "3000" },
            health: "tcp",
            service: { ...(outline.service as object), sourceRanges: ["0.0.0.0/0"] },
          },
        }),
        manager: { enabled: true, image: images["mcp-fleet"] },
      }),
      studio: openExample("examples/studio/stack", target, {
        namespace: namespaces.studio,
        allowed: { ...here, namespaces: [namespaces.studio] },
        cutover: { enabled: false },
        studio: { enabled: false },
        servers: (servers: Servers) => {
          const { chroma, ...rest } = image(servers, {});
          const env = { CHROMA_HOST: "llmctl-chromadb.llmctl" };
          // As the example's comment has it.
          const workspace = {
            image: images["google-workspace"],
            secret: "llmctl-mcp-google-workspace",
            secretKeys: ["GOOGLE_SERVICE_ACCOUNT_KEY_JSON"],
            env: { USER_GOOGLE_EMAIL: "robot@example.com" },
          };
          return { ...rest, chroma: { ...chroma, env }, "google-workspace": workspace };
        },
      }),
    };
  }

  const example = (name: "todo" | "platform" | "studio"): Example => {
    const found = examples[name];
    assert.ok(found !== undefined);
    return found;
  };
  const pods = async (namespace: string): Promise<V1Pod[]> =>
    (
      await kube.core.listNamespacedPod({
        namespace,
        labelSelector: "app.kubernetes.io/component=mcp-server",
      })
    ).items;
  const serviceUrl = async (namespace: string, name: string, path: string): Promise<string> => {
    const { spec } = await kube.core.readNamespacedService({ namespace, name });
    return `http://${spec?.clusterIP}:${spec?.ports?.[0]?.port}${path}`;
  };

  // The mesh's kinds are in no cluster but its own: mesh.test.ts runs it.
  for (const stack of exampleStacks.filter((one) => one !== "examples/mesh/stack")) {
    it(`${stack}: kubectl apply -k takes every rendered object in a server-side dry run`, async () => {
      const target = { kubeconfig: cluster.kubeconfig, context: cluster.context };
      const opened = openExample(stack, target, {
        namespace: namespaces.dry,
        createNamespace: false,
        allowed: {},
        forbidden: {},
      });
      const directory = join(opened.directory, "rendered");
      const serversOnly = stack.includes("studio");
      const rendered = await render({ file: opened.file, directory, serversOnly });
      writeDirectory(directory, opened.file, rendered);
      const apply = ["apply", "--server-side", "--dry-run=server", "-k", directory];
      const said = await onCluster(cluster, ...apply);
      closeExample(opened);
      const lines = said.split("\n").filter((line) => line.includes("serverside-applied"));
      assert.equal(lines.length, rendered.objects.length, said);
    });
  }

  it("are deployed side by side, and the todo application's pod is ready within 30 seconds", async () => {
    const config = new KubeConfig();
    config.loadFromFile(cluster.kubeconfig);
    config.setCurrentContext(cluster.context);
    await Promise.all([
      ...Object.values(examples).map((one) => one.run("up")),
      playInfisical(config, namespaces.platform),
    ]);
    const started = await Promise.all(
      [namespaces.todo, namespaces.platform, namespaces.studio].map(pods),
    );
    const seconds = started.flat().map((pod) => [nameOf(pod), readyAfter(pod)] as const);
    const text = seconds.map(([name, after]) => `${name} ${after} s`);
    process.stdout.write(`      from creation to Ready, nine at once: ${text.join(", ")}\n`);
    assert.equal(seconds.length, 9);
    const [, todo = Infinity] = seconds.find(([name]) => name === "mcp-server") ?? [];
    assert.ok(todo <= startSeconds, text.join(", "));
  });

  it("change nothing in a second run", async () => {
    const { changes } = await example("todo").run("up");
    assert.deepEqual([...new Set(changes.map(({ op }) => op))], ["same"]);
  });

  it("answer MCP with their tools where their consumers are", async () => {
    const ask = (namespace: string, consumer: string, labels: Record<string, string>, urls: Urls) =>
      probeServers(
        {
          spec: { name: `examples-${consumer}` },
          probe: {
            ...{ from: "cluster", namespace, image: images.probe, deadlineSeconds: 120 },
            consumers: [{ name: consumer, labels }],
          },
          targets: urls.map(([name, url, requiredTools]) => ({ name, url, requiredTools })),
          kubernetes: { context: cluster.context },
        },
        { kubeconfig: cluster.kubeconfig },
      );
    const at = (namespace: string, rest: string): string =>
      `http://${rest.replace("@", `.${namespace}.svc.cluster.local:`)}/mcp`;
    const { todo, platform, studio } = namespaces;
    const others = ["github", "atlassian", "chroma", "google-cloud", "google-workspace"];
    const found = await Promise.all([
      ask(todo, "backend", { "app.kubernetes.io/name": "todo-backend" }, [
        ["todo", at(todo, "mcp-server@8001"), ["add_task", "list_tasks", "complete_task"]],
      ]),
      ask(platform, "agent", { "app.kubernetes.io/component": "agent" }, [
        ["clock", at(platform, "clock-mcp@8080"), ["now", "seconds_between"]],
        ["outline", at(platform, "outline-mcp@3000"), []],
      ]),
      ask(studio, "executor", { "llmctl.executor": "true" }, [
        ["llmctl-mcp", at(studio, "llmctl-mcp@9020"), []],
        ...others.map((key): Urls[number] => [key, at(studio, `llmctl-mcp-${key}@8000`), []]),
      ]),
    ]);
    const results = found.flat().flatMap((one) => one.results);
    for (const { name, tools = [] } of results) {
      process.stdout.write(
        `      ${name}: ${tools.length} tools, ${tools.slice(0, 2).join(", ")} …\n`,
      );
      assert.ok(tools.length > 0, name);
    }
    assert.equal(results.length, 9);
  });

  it("know their cluster by itself: another one's network or UID is refused before anything is made", async () => {
    const target = { kubeconfig: cluster.kubeconfig, context: cluster.context };
    const elsewhere = { clusters: ["192.0.2.0/24"], namespaces: [] };
    const { metadata } = await kube.core.readNamespace({ name: "kube-system" });
    const cases = [
      [{ allowed: elsewhere, forbidden: {} }, /\[allowed\.clusters\] .* none of the allowed ones/],
      [{ allowed: {}, forbidden: { clusters: nodes } }, /\[forbidden\.clusters\] .* is forbidden/],
      [
        { allowed: {}, forbidden: { clusters: [metadata?.uid] } },
        /\[forbidden\.clusters\] .* is forbidden by [0-9a-f-]{36}/,
      ],
    ] as const;
    for (const [places, said] of cases) {
      const refused = openExample("examples/ai-platform/stack", target, {
        ...places,
        namespace: `${namespaces.platform}-no`,
      });
      await assert.rejects(refused.run("up"), said);
      closeExample(refused);
    }
    const there = (await kube.core.listNamespace()).items.map((item) => item.metadata?.name);
    assert.ok(!there.includes(`${namespaces.platform}-no`));
  });

  it("are found where they must not be, and tell clients where they are", async () => {
    const connected = await connectKube(
      { context: cluster.context },
      { kubeconfig: cluster.kubeconfig },
    );
    const allowed = { clusters: nodes, namespaces: [namespaces.platform, labNamespace] };
    const nothing = { clusters: [], namespaces: [] };
    const { servers } = await findStray(connected, allowed, nothing);
    const [stray] = servers.filter(({ namespace }) => namespace === namespaces.todo);
    assert.deepEqual(
      [stray?.name, stray?.evidence, stray?.advice, stray?.services],
      ["mcp-server", "label", "move", ["mcp-server"]],
    );
    assert.ok(servers.every(({ namespace }) => namespace !== namespaces.platform));
    const elsewhere = await findStray(connected, nothing, { ...nothing, clusters: nodes });
    assert.ok(
      elsewhere.servers.some(({ name, advice }) => name === "clock-mcp" && advice === "remove"),
    );

    const found = await findServers(connected, namespaces.platform);
    assert.deepEqual(
      found.map(({ name, inCluster }) => [name, inCluster]),
      [
        ["clock-mcp", `http://clock-mcp.${namespaces.platform}.svc.cluster.local:8080/mcp`],
        ["outline-mcp", `http://outline-mcp.${namespaces.platform}.svc.cluster.local:3000/mcp`],
      ],
    );
    assert.match(found[1]?.outside ?? "", /^http:\/\/[0-9.]+:31100\/mcp$/);
    // Bridges of the machine itself stand behind no DaemonSet; kind's plugin is one.
    const { enforced, reason } = await policyEnforcement(connected);
    assert.equal(enforced, cluster.engine === "bare" ? "unknown" : enforced, reason);
  });

  it("todo: its tools keep the tasks in PostgreSQL", async () => {
    const client = new McpClient({ name: "examples", version: "1" });
    const url = await serviceUrl(namespaces.todo, "mcp-server", "/mcp");
    await client.connect(new StreamableHTTPClientTransport(new URL(url)));
    await client.callTool({ name: "add_task", arguments: { title: "buy milk" } });
    await client.callTool({ name: "complete_task", arguments: { task: 1 } });
    await client.close();
    const own = new URL(database.superuserUrl);
    own.pathname = `/${role}`;
    await withDatabase(own.href, async (db) => {
      const { rows } = await db.query("select title, done from tasks");
      assert.deepEqual(rows, [{ title: "buy milk", done: true }]);
    });
  });

  it("ai-platform: the node port serves MCP to a client outside of the cluster", async function () {
    if (cluster.engine !== "bare") {
      process.stdout.write("      skipped: the nodes of another cluster may not be reachable\n");
      this.skip();
    }
    const url = `http://${cluster.nodeIp}:31100/mcp`;
    const result = await probe({ name: "outline", url }, { deadlineSeconds: 20 });
    assert.equal(result.outcome, "ok", result.message);
  });

  it("run as nobody, with no token, capability or service link, on a root they cannot write", async () => {
    const all = (
      await Promise.all([namespaces.todo, namespaces.platform, namespaces.studio].map(pods))
    ).flat();
    const insides = await Promise.all(
      all.map(async ({ metadata }) => {
        const { name = "", namespace = "" } = metadata ?? {};
        const place = { name, namespace, container: "mcp-server" };
        return [name, await insideOf(cluster.kubeconfig, cluster.context, place)] as const;
      }),
    );
    assert.equal(insides.length, 9);
    for (const [name, inside] of insides) {
      assert.deepEqual(
        inside,
        {
          uid: "65532",
          capabilities: "0000000000000000",
          noNewPrivileges: "1",
          seccomp: "2",
          writesRoot: false,
          token: false,
          serviceLinks: [],
        },
        name,
      );
    }
    const platform = await kube.core.readNamespace({ name: namespaces.platform });
    assert.equal(platform.metadata?.labels?.["pod-security.kubernetes.io/enforce"], "restricted");
  });

  it("studio: its image is looked into for bundled servers, by the command line", async () => {
    const look = (...args: string[]): ReturnType<typeof mcpFleet> =>
      mcpFleet(
        ["image", ...args, "-o", "json", "-n", namespaces.studio, "--context", cluster.context],
        { KUBECONFIG: cluster.kubeconfig },
      );
    const embedded = await look(images["studio-embedded"]);
    assert.equal(embedded.exitCode, 10, embedded.stderr);
    const { bundled } = JSON.parse(embedded.stdout) as { bundled: Record<string, string[]> };
    const all = ["atlassian", "chroma", "github", "google-cloud", "llmctl-mcp"];
    assert.deepEqual(Object.keys(bundled).sort(), all);
    assert.ok(bundled.atlassian?.includes("/usr/local/bin/mcp-atlassian"), embedded.stdout);
    assert.match(
      embedded.stderr,
      /still holds llmctl-mcp, github, atlassian, chroma, google-cloud/,
    );

    const without = await look(images.studio);
    assert.equal(without.exitCode, 0, without.stderr);
    assert.match(without.stderr, /holds no bundled MCP server/);

    // A Deployment's own image, and one that holds a single server.
    const running = await look("--deployment", "llmctl-mcp-chroma");
    assert.equal(running.exitCode, 10, running.stderr);
    assert.match(running.stderr, /still holds chroma\./);

    // A name that no registry can have: the kubelet says so at once, and waits for none.
    const missing = await look("mcp-fleet.local/No-Such:1");
    assert.equal(missing.exitCode, 1, missing.stderr);
    assert.match(missing.stderr, /^Nothing could look into .* cannot pull its image/);
    const labelSelector = "batch.kubernetes.io/job-name";
    const { items } = await kube.core.listNamespacedPod({
      namespace: namespaces.studio,
      labelSelector,
    });
    const left = items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
    assert.deepEqual(left.map(nameOf), []);
  });

  it("are removed without a trace", async () => {
    await Promise.all(Object.values(examples).map((one) => one.run("destroy")));
    const labelSelector = "app.kubernetes.io/managed-by=mcp-fleet";
    for (const namespace of [namespaces.todo, namespaces.studio]) {
      const query = { namespace, labelSelector };
      const left = await Promise.all([
        kube.apps.listNamespacedDeployment(query),
        kube.core.listNamespacedService(query),
        kube.core.listNamespacedConfigMap(query),
        kube.core.listNamespacedServiceAccount(query),
        kube.core.listNamespacedSecret(query),
      ]);
      assert.deepEqual(
        left.flatMap(({ items }) => items as unknown[]),
        [],
      );
    }
    const there = (await kube.core.listNamespace()).items.map(({ metadata }) => metadata?.name);
    assert.ok(!there.includes(namespaces.platform));
  });
});

type Urls = [name: string, url: string, requiredTools: string[]][];

/** A key of the right form that Google knows nothing of. */
function serviceAccountOfNobody(): string {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return JSON.stringify({
    type: "service_account",
    project_id: "example-project",
    private_key: privateKey.export({ type: "pkcs8", format: "pem" }),
    client_email: "robot@example-project.iam.gserviceaccount.com",
    token_uri: "https://oauth2.googleapis.com/token",
  });
}

function nameOf(pod: V1Pod): string {
  return pod.metadata?.labels?.["app.kubernetes.io/name"] ?? "";
}

/** Seconds from the pod's creation to Ready, as the API server and the kubelet noted them. */
function readyAfter({ metadata, status }: V1Pod): number {
  const ready = status?.conditions?.find(
    ({ type, status: is }) => type === "Ready" && is === "True",
  );
  const created = metadata?.creationTimestamp?.getTime() ?? Number.NaN;
  return ((ready?.lastTransitionTime?.getTime() ?? Number.NaN) - created) / 1000;
}

async function nodeRanges(kube: Kube): Promise<string[]> {
  const { items } = await kube.core.listNode();
  const addresses = items.flatMap(({ status }) => status?.addresses ?? []);
  return addresses.flatMap(({ type, address }) => (type === "InternalIP" ? [`${address}/32`] : []));
}

function secret(namespace: string, name: string, stringData: Record<string, string>): object {
  return { apiVersion: "v1", kind: "Secret", metadata: { namespace, name }, stringData };
}

async function missingCrds(cluster: Cluster): Promise<StandIn[]> {
  const there = await onCluster(cluster, "get", "crd", "-o", "name");
  return [
    standInCrd("secrets.infisical.com", "v1alpha1", "InfisicalSecret"),
    standInCrd("cilium.io", "v2", "CiliumNetworkPolicy"),
  ].filter(({ metadata }) => !there.includes(`/${metadata.name}\n`));
}

async function withDatabase(url: string, work: (db: Client) => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
