import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

import { type Cluster, ensureCluster } from "../../lab/cluster";
import { ensureImages } from "../../lab/images";
import { type Kube, openKube } from "../../lab/kube";
import { consoleLog } from "../../lab/log";
import { mcpFleet } from "../support/cli";
import { closeExample, type Example, openExample, restrictedNamespace } from "../support/example";

type Servers = Record<string, Record<string, unknown>>;

const run = randomBytes(3).toString("hex");
const servers = ["kubernetes", "playwright", "argocd"] as const;
type Name = (typeof servers)[number];
const namespaceOf = (name: Name): string => `other-${name}-${run}`;

/** Files of `examples/servers`, with the servers' npm packages instead of registries' images. */
describe("servers of other people, each by its stack file", function () {
  this.timeout(5 * 60_000);
  let cluster: Cluster;
  let kube: Kube;
  const examples = new Map<Name, Example>();

  before(async function () {
    this.timeout(45 * 60_000);
    cluster = await ensureCluster(consoleLog());
    const images = await ensureImages(
      cluster,
      consoleLog(),
      servers.map((name) => `${name}-server` as const),
    );
    kube = await openKube(cluster);
    for (const name of servers) {
      const namespace = namespaceOf(name);
      await restrictedNamespace(kube, namespace);
      await kube.apply(surroundings(name, namespace));
      const example = openExample(`examples/servers/${name}`, cluster, {
        ...{ namespace, createNamespace: false },
        allowed: {},
        servers: (own: Servers) => ({
          [name]: { ...own[name], image: images[`${name}-server`] },
        }),
      });
      examples.set(name, example);
    }
    await Promise.all([...examples.values()].map((example) => example.run("up")));
  });
  after(async () => {
    for (const [name, example] of examples) {
      await example.run("destroy").catch(() => undefined);
      closeExample(example);
      await kube.core.deleteNamespace({ name: namespaceOf(name) }).catch(() => undefined);
    }
  });

  const connected = async <T>(name: Name, ask: (client: Client) => Promise<T>): Promise<T> => {
    const { spec } = await kube.core.readNamespacedService({
      ...{ namespace: namespaceOf(name), name: `${name}-mcp` },
    });
    const url = new URL(`http://${spec?.clusterIP}:${spec?.ports?.[0]?.port}/mcp`);
    const client = new Client({ name: "other-servers", version: "1" });
    const transport = new StreamableHTTPClientTransport(url);
    await client.connect(transport);
    try {
      return await ask(client);
    } finally {
      await client.close();
    }
  };

  const tools = { kubernetes: "pods_list_in_namespace", playwright: "browser_navigate" } as const;
  for (const name of ["kubernetes", "playwright"] as const) {
    it(`${name} lists its tools`, async () => {
      const { tools: listed } = await connected(name, (client) => client.listTools());
      const names = listed.map((tool) => tool.name);
      assert.ok(names.includes(tools[name]), names.join(", "));
    });
  }

  it("kubernetes reads what its rules let it read, and nothing else", async () => {
    const namespace = namespaceOf("kubernetes");
    const call = (name: string, args: Record<string, unknown>) =>
      connected("kubernetes", (client) => client.callTool({ name, arguments: args }));
    const pods = await call("pods_list_in_namespace", { namespace });
    assert.match(JSON.stringify(pods), /kubernetes-mcp-/);
    assert.notEqual(pods.isError, true, JSON.stringify(pods));
    const secrets = await call("resources_list", { apiVersion: "v1", kind: "Secret", namespace });
    assert.match(JSON.stringify(secrets), /forbidden|cannot list/i);
  });

  // It checks the Host header, and rejects a Service's address; a port-forward uses the loopback address.
  for (const name of servers) {
    it(`${name} answers the command line's probe with its tools`, async () => {
      const { stdout, stderr } = await mcpFleet([
        ...["--kubeconfig", cluster.kubeconfig, "--context", cluster.context],
        ...["-n", namespaceOf(name), "-o", "json", "list", "--probe"],
      ]);
      const [listed] = JSON.parse(stdout) as { probe?: { ok: boolean; tools: string[] } }[];
      assert.equal(listed?.probe?.ok, true, stdout + stderr);
      assert.ok(listed.probe.tools.length > 0, stdout);
    });
  }
});

/** Existing objects to which these files refer. */
function surroundings(name: Name, namespace: string): object[] {
  const object = (kind: string, own: string, content: object): object => ({
    ...{ apiVersion: "v1", kind, metadata: { namespace, name: own } },
    ...content,
  });
  switch (name) {
    case "kubernetes":
      return [
        object("ConfigMap", "kubernetes-mcp", {
          data: { "config.toml": 'toolsets = ["core"]\nread_only = true\n' },
        }),
      ];
    case "argocd":
      return [
        object("Secret", "argocd-mcp", { stringData: { token: "token-of-nobody" } }),
        object("Secret", "argocd-server-tls", { stringData: { "tls.crt": "" } }),
      ];
    case "playwright":
      return [];
  }
}
