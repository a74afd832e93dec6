import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";

import { connectKube } from "@mcp-fleet/kube";
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

/** Files of `examples/servers` as they are, with the same servers as npm has them in the place of registries' images. */
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
    kube = openKube(cluster.kubeconfig, cluster.context);
    for (const name of servers) {
      const namespace = namespaceOf(name);
      await restrictedNamespace(kube, namespace);
      await kube.apply(surroundings(name, namespace));
      const example = openExample(`examples/servers/${name}`, cluster, {
        ...{ namespace, createNamespace: false },
        allowed: {},
        servers: (own: Servers) => ({
          [name]: { ...own[name], image: images[`${name}-server`], ...changes(name, namespace) },
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
    // The name that a pod would call it by: it is checked by servers that defend against DNS rebinding.
    const host = `${name}-mcp.tools.svc.cluster.local`;
    const client = new Client({ name: "other-servers", version: "1" });
    const transport = new StreamableHTTPClientTransport(url, {
      requestInit: { headers: { host } },
    });
    await client.connect(transport);
    try {
      return await ask(client);
    } finally {
      await client.close();
    }
  };

  const tools: Record<Name, string> = {
    kubernetes: "pods_list_in_namespace",
    playwright: "browser_navigate",
    argocd: "list_applications",
  };
  for (const name of servers) {
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

  it("are listed with their probe by the command line", async () => {
    const kubeconfig = await connectKube(
      { context: cluster.context },
      { kubeconfig: cluster.kubeconfig },
    );
    assert.ok(kubeconfig.namespace !== undefined);
    const { stdout, exitCode } = await mcpFleet([
      ...["--kubeconfig", cluster.kubeconfig, "--context", cluster.context],
      ...["-n", namespaceOf("playwright"), "-o", "json", "list", "--probe"],
    ]);
    assert.equal(exitCode, 0, stdout);
    assert.match(stdout, /"playwright/);
  });
});

/** What these files refer to, as somebody has it already. */
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

/** What a file says of a place that is another one here. */
function changes(name: Name, namespace: string): Record<string, unknown> {
  if (name !== "argocd") return {};
  const hosts = ["tools", namespace].map(
    (one) => `--allowed-host-header=argocd-mcp.${one}.svc.cluster.local`,
  );
  return {
    args: [
      ...["http", "--stateless", "--allow-unauthenticated", "--bind-address=0.0.0.0"],
      ...["--port=3000", ...hosts],
    ],
  };
}
