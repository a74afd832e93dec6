import assert from "node:assert/strict";
import { join } from "node:path";

import { type V1Pod } from "@kubernetes/client-node";
import { findServers, findStray } from "@mcp-fleet/cluster";
import { probeServers } from "@mcp-fleet/cutover-runner";
import { connectKube } from "@mcp-fleet/kube";
import { probe } from "@mcp-fleet/mcp-probe";
import { Client as McpClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

import type { Cluster } from "../../lab/cluster";
import { labNamespace } from "../../lab/companions";
import type { Kube } from "../../lab/kube";
import { kubeConfigOf } from "../../lab/kube";
import { consoleLog } from "../../lab/log";
import { render } from "../../render/render";
import { writeDirectory } from "../../render/write";
import { mcpFleet } from "../support/cli";
import { closeExample, dryRun, openExample } from "../support/example";
import { SurroundedExamples } from "../support/examples";
import { insideOf } from "../support/pod-inside";
import { queryAt } from "../support/postgres";
import { exampleStacks } from "../support/stack-file";
import { playInfisical } from "../support/stand-ins";

/** Seconds from a pod's creation to Ready: the todo application's own requirement. */
const startSeconds = 30;

describe("the stacks under examples", function () {
  this.timeout(5 * 60_000);
  let examples: SurroundedExamples;
  let cluster: Cluster;
  let kube: Kube;
  let namespaces: SurroundedExamples["namespaces"];
  let images: SurroundedExamples["images"];

  before(async function () {
    this.timeout(45 * 60_000);
    examples = await SurroundedExamples.open(consoleLog());
    ({ cluster, kube, namespaces, images } = examples);
  });
  after(() => examples?.remove());

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

  // No other cluster has the mesh's kinds; mesh.test.ts runs them.
  for (const stack of exampleStacks.filter((one) => one !== "examples/mesh/stack")) {
    it(`${stack}: kubectl apply -k takes every rendered object in a server-side dry run`, async () => {
      const opened = openExample(stack, cluster, {
        namespace: namespaces.dry,
        createNamespace: false,
        allowed: {},
        forbidden: {},
      });
      const directory = join(opened.directory, "rendered");
      const serversOnly = stack.includes("studio");
      const rendered = await render({ file: opened.file, directory, serversOnly });
      writeDirectory(directory, opened.file, rendered);
      const taken = await dryRun(cluster, "-k", directory);
      closeExample(opened);
      assert.equal(taken.length, rendered.objects.length, taken.join("\n"));
    });
  }

  it("are deployed side by side, and the todo application's pod is ready within 30 seconds", async () => {
    const config = kubeConfigOf(cluster);
    await Promise.all([
      ...Object.values(examples.all).map((one) => one.run("up")),
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
    const { changes } = await examples.all.todo.run("up");
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
    const { nodes } = examples;
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
      const refused = openExample("examples/ai-platform/stack", cluster, {
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
    const allowed = { clusters: examples.nodes, namespaces: [namespaces.platform, labNamespace] };
    const nothing = { clusters: [], namespaces: [] };
    const { servers } = await findStray(connected, allowed, nothing);
    const [stray] = servers.filter(({ namespace }) => namespace === namespaces.todo);
    assert.deepEqual(
      [stray?.name, stray?.evidence, stray?.advice, stray?.services],
      ["mcp-server", "label", "move", ["mcp-server"]],
    );
    assert.ok(servers.every(({ namespace }) => namespace !== namespaces.platform));
    const clusters = examples.nodes;
    const elsewhere = await findStray(connected, nothing, { ...nothing, clusters });
    assert.ok(
      elsewhere.servers.some(({ name, advice }) => name === "clock-mcp" && advice === "remove"),
    );

    const { servers: found } = await findServers(connected, namespaces.platform);
    assert.deepEqual(
      found.map(({ name, inCluster }) => [name, inCluster]),
      [
        ["clock", `http://clock-mcp.${namespaces.platform}.svc.cluster.local:8080/mcp`],
        ["outline", `http://outline-mcp.${namespaces.platform}.svc.cluster.local:3000/mcp`],
      ],
    );
    assert.match(found[1]?.outside ?? "", /^http:\/\/[0-9.]+:31100\/mcp$/);
  });

  it("todo: its tools keep the tasks in PostgreSQL", async () => {
    const client = new McpClient({ name: "examples", version: "1" });
    const url = await serviceUrl(namespaces.todo, "mcp-server", "/mcp");
    await client.connect(new StreamableHTTPClientTransport(new URL(url)));
    await client.callTool({ name: "add_task", arguments: { title: "buy milk" } });
    await client.callTool({ name: "complete_task", arguments: { task: 1 } });
    await client.close();
    const rows = await queryAt(examples.todoUrl, "select title, done from tasks");
    assert.deepEqual(rows, [{ title: "buy milk", done: true }]);
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

    // An invalid name: the kubelet reports it at once, without waiting for a registry.
    const missing = await look("mcp-fleet.local/No-Such:1");
    assert.equal(missing.exitCode, 1, missing.stderr);
    assert.match(missing.stderr, /could not be searched: .* cannot pull its image/);
    const labelSelector = "batch.kubernetes.io/job-name";
    const { items } = await kube.core.listNamespacedPod({
      namespace: namespaces.studio,
      labelSelector,
    });
    const left = items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
    assert.deepEqual(left.map(nameOf), []);
  });

  it("are removed without a trace", async () => {
    await Promise.all(Object.values(examples.all).map((one) => one.run("destroy")));
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

function nameOf(pod: V1Pod): string {
  return pod.metadata?.labels?.["app.kubernetes.io/name"] ?? "";
}

/** Seconds from the pod's creation to Ready, as recorded by API server and kubelet. */
function readyAfter({ metadata, status }: V1Pod): number {
  const ready = status?.conditions?.find(
    ({ type, status: is }) => type === "Ready" && is === "True",
  );
  const created = metadata?.creationTimestamp?.getTime() ?? Number.NaN;
  return ((ready?.lastTransitionTime?.getTime() ?? Number.NaN) - created) / 1000;
}
