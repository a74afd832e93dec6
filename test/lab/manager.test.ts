import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";

import { AuthorizationV1Api } from "@kubernetes/client-node";
import { connectKube, openPortForward, type PortForward } from "@mcp-fleet/kube";
import type { Change, McpServerStatus, McpServerSummary } from "@mcp-fleet/lifecycle";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";

import { type Cluster, ensureCluster } from "../../lab/cluster";
import { ensureImages } from "../../lab/images";
import { type Kube, kubeConfigOf, openKube } from "../../lab/kube";
import { consoleLog } from "../../lab/log";
import { closeExample, type Example, openExample } from "../support/example";
import { insideOf } from "../support/pod-inside";
import { serverObjects } from "../support/servers";

const namespace = `manager-${randomBytes(3).toString("hex")}`;
const manager = "ai-platform-manager";
const clock = "clock-mcp";
/** A server by its label that is in no stack: it is visible, and must not be changed. */
const outsider = "outsider-mcp";

/** The resource manager as a stack deploys it: a pod with its own account, called by the SDK's client. */
describe("cluster: the resource manager in its pod", function () {
  this.timeout(3 * 60_000);
  let cluster: Cluster;
  let kube: Kube;
  let image: string;
  let fastmcp: string;
  const open: { example?: Example; forward?: PortForward; client?: Client } = {};

  before(async function () {
    this.timeout(30 * 60_000); // the first run of all builds the cluster and the images
    cluster = await ensureCluster(consoleLog());
    const images = await ensureImages(cluster, consoleLog(), ["fastmcp", "mcp-fleet"]);
    [image, fastmcp] = [images["mcp-fleet"], images.fastmcp];
    kube = await openKube(cluster);
    await deploy({});
    await kube.apply(
      serverObjects({ name: outsider, namespace, image: fastmcp, replicas: 0 }).slice(0, 1),
    );
  });

  after(async () => {
    await disconnect();
    if (open.example === undefined) return;
    await open.example.run("destroy");
    closeExample(open.example);
  });

  /** Runs the stack with these settings of the manager, and connects to its pod. */
  async function deploy(settings: Record<string, unknown>): Promise<Client> {
    await disconnect();
    const target = { kubeconfig: cluster.kubeconfig, context: cluster.context };
    const example = openExample(
      "examples/ai-platform/stack",
      target,
      {
        ...{ namespace, allowed: {}, forbidden: {} },
        servers: ({ clock }: Record<string, object>) => ({ clock: { ...clock, image: fastmcp } }),
        manager: { enabled: true, image, ...settings },
      },
      open.example?.directory,
    );
    open.example = example;
    await example.run("up");
    // Until the old pods are gone, the Service may still route to one.
    await kube.waitForDeployment(namespace, manager, 60);
    return connect(await tokenOf());
  }

  async function tokenOf(): Promise<string> {
    const { data } = await kube.core.readNamespacedSecret({ namespace, name: manager });
    return Buffer.from(data?.token ?? "", "base64").toString();
  }

  /** A client of the manager's Service through the API server: its policy allows only listed pods. */
  async function connect(token: string): Promise<Client> {
    const { kubeconfig, context } = cluster;
    open.forward ??= await openPortForward(
      await connectKube({ context }, { kubeconfig }),
      { namespace, service: manager, port: 8080 },
      { subject: "the manager", setting: "its Service" },
    );
    const client = new Client({ name: "caretaker", version: "1" });
    const transport = new StreamableHTTPClientTransport(
      new URL(`http://127.0.0.1:${open.forward.port}/mcp`),
      {
        requestInit: { headers: { authorization: `Bearer ${token}` } },
      },
    );
    await client.connect(transport);
    open.client = client;
    return client;
  }

  async function disconnect(): Promise<void> {
    await open.client?.close();
    await open.forward?.close();
    delete open.client;
    delete open.forward;
  }

  const client = (): Client => {
    assert.ok(open.client !== undefined);
    return open.client;
  };
  const call = async (name: string, args: Record<string, unknown> = {}): Promise<CallToolResult> =>
    (await client().callTool({ name, arguments: args })) as CallToolResult;
  const done = async <T>(name: string, args?: Record<string, unknown>): Promise<T> => {
    const { structuredContent, isError, content } = await call(name, args);
    assert.ok(isError !== true, JSON.stringify(content));
    return structuredContent as T;
  };
  const refusal = async (name: string, args: Record<string, unknown>): Promise<string> => {
    const { isError, content } = await call(name, args);
    assert.equal(isError, true, JSON.stringify(content));
    return content.map((one) => (one.type === "text" ? one.text : "")).join("");
  };
  const wanted = async (name: string): Promise<number | undefined> =>
    (await kube.apps.readNamespacedDeployment({ namespace, name })).spec?.replicas;

  it("answers nobody without the token that the stack made", async () => {
    const connected = open.client;
    await assert.rejects(connect("guessed"), /A bearer token is needed|401/);
    open.client = connected;
  });

  it("lists the namespace's servers, itself not among them, and shows one in detail", async () => {
    const { servers } = await done<{ servers: McpServerSummary[] }>("list_mcp_servers");
    assert.deepEqual(
      servers.map(({ name, workload, status }) => [name, workload, status]),
      [
        ["clock", clock, "running"],
        [outsider, outsider, "stopped"],
      ],
    );
    const status = await done<McpServerStatus>("get_mcp_status", { name: clock });
    assert.deepEqual([status.replicas, status.availableReplicas, status.image], [1, 1, fastmcp]);
  });

  it("stops a server of the stack and starts it again", async () => {
    const stopped = await done<Change>("scale_mcp", { name: clock, replicas: 0, wait_ready: true });
    assert.deepEqual([stopped.before, stopped.after, stopped.status], [1, 0, "stopped"]);
    assert.equal(await wanted(clock), 0);
    // By its key; the policy names its Deployment.
    const started = await done<Change>("start_mcp", { name: "clock", timeout: 60 });
    assert.deepEqual([started.after, started.status, started.readyReplicas], [1, "running", 1]);
  });

  it("sees a server that the stack has not, and cannot change it", async () => {
    const told = await refusal("start_mcp", { name: outsider });
    assert.match(told, /"outsider-mcp" is not one that this manager changes/);
    assert.equal(await wanted(outsider), 0);
    assert.match(await refusal("get_mcp_status", { name: manager }), /is no MCP server/);
  });

  it("has the rights for that and no others, as the API server itself answers", async () => {
    const may = reviewer(cluster, `system:serviceaccount:${namespace}:${manager}`);
    const scale = { group: "apps", resource: "deployments", subresource: "scale", verb: "patch" };
    const answers = {
      "scale the server": await may({ ...scale, namespace, name: clock }),
      "list Deployments": await may({
        ...{ group: "apps", resource: "deployments", verb: "list" },
        namespace,
      }),
      "scale the outsider": await may({ ...scale, namespace, name: outsider }),
      "scale itself": await may({ ...scale, namespace, name: manager }),
      "scale any": await may({ ...scale, namespace }),
      "change the server's image": await may({
        ...{ group: "apps", resource: "deployments", verb: "patch" },
        ...{ namespace, name: clock },
      }),
      "delete pods": await may({ group: "", resource: "pods", verb: "delete", namespace }),
      "read Secrets": await may({ group: "", resource: "secrets", verb: "get", namespace }),
      "list elsewhere": await may({
        ...{ group: "apps", resource: "deployments", verb: "list" },
        namespace: "kube-system",
      }),
      "list namespaces": await may({ group: "", resource: "namespaces", verb: "list" }),
    };
    const allowed = Object.entries(answers).flatMap(([what, is]) => (is ? [what] : []));
    assert.deepEqual(allowed, ["scale the server", "list Deployments"]);
  });

  it("refuses a forced stop unless the stack allows it", async () => {
    const told = await refusal("stop_mcp", { name: clock, force: true });
    assert.match(told, /without their grace period is switched off in this manager/);
    assert.equal(await wanted(clock), 1);
  });

  it("runs as nobody on a root it cannot write, with nothing in its log but calls", async () => {
    const labelSelector = `app.kubernetes.io/name=${manager}`;
    const { items } = await kube.core.listNamespacedPod({ namespace, labelSelector });
    const name = items[0]?.metadata?.name ?? "";
    const place = { namespace, name, container: "manager" };
    const inside = await insideOf(cluster.kubeconfig, cluster.context, place);
    assert.deepEqual(
      [inside.uid, inside.capabilities, inside.writesRoot, inside.token, inside.serviceLinks],
      ["65532", "0000000000000000", false, true, []],
    );
    const log = await kube.core.readNamespacedPodLog(place);
    const lines = log.trim().split("\n");
    const calls = lines.map((line) => JSON.parse(line) as { tool?: string; name?: string });
    assert.ok(calls.some(({ tool, name: server }) => tool === "start_mcp" && server === "clock"));
    assert.ok(!log.includes(await tokenOf()));
  });

  it("ends pods at once where the stack allows it", async () => {
    await deploy({ forceStop: true });
    const killed = await done<Change>("stop_mcp", { name: clock, force: true });
    assert.equal(killed.killedPods?.length, 1);
    await done<Change>("start_mcp", { name: clock, timeout: 60 });
  });

  it("stops nothing where the stack does not let servers go to zero", async () => {
    await deploy({ scaleToZero: false });
    const { tools } = await client().listTools();
    assert.ok(!tools.some(({ name }) => name === "stop_mcp"));
    const told = await refusal("scale_mcp", { name: clock, replicas: 0 });
    assert.match(told, /Bringing a server to no replica is switched off in this manager/);
    assert.equal(await wanted(clock), 1);
  });
});

interface Asked {
  readonly group: string;
  readonly resource: string;
  readonly verb: string;
  readonly namespace?: string;
  readonly subresource?: string;
  readonly name?: string;
}

/** What `kubectl auth can-i --as` asks. */
function reviewer(
  { kubeconfig, context }: Cluster,
  user: string,
): (attributes: Asked) => Promise<boolean> {
  const config = kubeConfigOf({ kubeconfig, context });
  const api = config.makeApiClient(AuthorizationV1Api);
  return async (resourceAttributes) => {
    const groups = ["system:serviceaccounts", "system:authenticated"];
    const body = { spec: { user, groups, resourceAttributes } };
    return (await api.createSubjectAccessReview({ body })).status?.allowed ?? false;
  };
}
