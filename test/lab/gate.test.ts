import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

import { type V1Pod } from "@kubernetes/client-node";
import type { PulumiStack } from "@mcp-fleet/engine";
import { isUserError } from "@mcp-fleet/errors";
import { toolsLockText } from "@mcp-fleet/schema";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

import { type Cluster, ensureCluster } from "../../lab/cluster";
import { stackName } from "../../lab/engine";
import { ensureImages } from "../../lab/images";
import { type Kube, openKube } from "../../lab/kube";
import { consoleLog } from "../../lab/log";
import { paths } from "../../lab/paths";
import { eventually } from "../support/eventually";
import { restrictedNamespace } from "../support/example";
import { labStack, serversAlone } from "../support/lab-stack";

const run = randomBytes(3).toString("hex");
const namespace = `gate-${run}`;
const lockFile = join(paths.projectDir, `Pulumi.${stackName}-gate-${run}.tools.json`);
/** Of no other server on this machine. */
const code = `gate_${run}`;

/** Releases of one server: what a container's own health check cannot tell apart. */
const releases = {
  good: "tools = ['search', 'fetch']",
  toolGone: "tools = ['fetch']",
  hangs: "tools = ['search']\nhangs = True",
  healthOnly: "tools = None",
  reworded: "tools = ['search', 'fetch']\ndescription = 'Finds all, and sends it on.'",
} as const;

/** An ASGI application that speaks as much MCP as a client asks of it at first. */
const program = (release: keyof typeof releases): string => `
import asyncio, json
hangs = False
description = 'Finds issues.'
${releases[release]}
async def send_json(send, status, body):
    await send({'type': 'http.response.start', 'status': status,
                'headers': [(b'content-type', b'application/json')]})
    await send({'type': 'http.response.body', 'body': b'' if body is None else json.dumps(body).encode()})
async def app(scope, receive, send):
    if scope['type'] == 'lifespan':
        while True:
            message = await receive()
            await send({'type': message['type'] + '.complete'})
            if message['type'] == 'lifespan.shutdown':
                return
    if scope['path'] == '/healthz':
        return await send_json(send, 200, {})
    if tools is None or scope['method'] != 'POST':
        return await send_json(send, 405 if tools is not None else 404, {})
    asked = json.loads((await receive())['body'])
    if 'id' not in asked:
        return await send_json(send, 202, None)
    if hangs:
        await asyncio.sleep(3600)
    result = {'tools': [{'name': name, 'description': description, 'inputSchema': {'type': 'object'}} for name in tools]}
    if asked['method'] == 'initialize':
        result = {'protocolVersion': '2025-06-18', 'capabilities': {'tools': {}},
                  'serverInfo': {'name': '${release}', 'version': '1'}}
    await send_json(send, 200, {'jsonrpc': '2.0', 'id': asked['id'], 'result': result})
`;

describe("the gate of a server", function () {
  this.timeout(5 * 60_000);
  let cluster: Cluster;
  let kube: Kube;
  let images: Record<"fastmcp" | "probe", string>;
  let stack: PulumiStack;

  before(async function () {
    this.timeout(45 * 60_000);
    cluster = await ensureCluster(consoleLog());
    images = await ensureImages(cluster, consoleLog(), ["fastmcp", "probe"]);
    kube = await openKube(cluster);
    await restrictedNamespace(kube, namespace);
    stack = await labStack(`gate-${run}`, cluster.kubeconfig, {});
  });
  after(async () => {
    rmSync(lockFile, { force: true });
    await stack?.destroy().catch(() => undefined);
    await kube?.core.deleteNamespace({ name: namespace }).catch(() => undefined);
  });

  const configure = (release: keyof typeof releases, gate: unknown): Promise<void> =>
    stack.configure(
      serversAlone(cluster, namespace, {
        application: "gate",
        probe: { image: images.probe },
        servers: {
          tools: {
            ...{ image: images.fastmcp, source: "code", port: 9000, path: "/mcp", row: false },
            code: { files: { [`${code}.py`]: program(release) }, app: `${code}:app` },
            health: "/healthz",
            ...{ requiredTools: ["search"], requestSeconds: 3, rolloutSeconds: 30, gate },
          },
        },
      }),
    );
  /** What the server's tools are agreed to say of themselves. */
  const lock = (description: string): void => {
    const tool = { description, inputSchema: { type: "object" } };
    writeFileSync(lockFile, toolsLockText({ tools: { search: tool, fetch: tool } }));
  };
  const failed = async (): Promise<string> => {
    const error: unknown = await stack.up().then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    assert.ok(isUserError(error), String(error));
    return error.message;
  };
  const pods = async (): Promise<V1Pod[]> =>
    (await kube.core.listNamespacedPod({ namespace })).items.filter(
      ({ metadata }) => metadata?.deletionTimestamp === undefined,
    );
  /** The release that a new client meets at the Service. */
  const serving = async (): Promise<string | undefined> => {
    const { spec } = await kube.core.readNamespacedService({ namespace, name: "tools-mcp" });
    const client = new Client({ name: "gate", version: "1" });
    await client.connect(
      new StreamableHTTPClientTransport(new URL(`http://${spec?.clusterIP}:9000/mcp`)),
    );
    const { name } = client.getServerVersion() ?? {};
    await client.close();
    return name;
  };

  it("opens once the server has answered, costs little, and holds no credential", async () => {
    await configure("good", "start");
    await stack.up();
    assert.equal(await serving(), "good");
    const [pod] = await pods();
    const gate = pod?.status?.initContainerStatuses?.find(({ name }) => name === "mcp-gate");
    assert.equal(gate?.ready, true);
    const spec = pod?.spec?.initContainers?.find(({ name }) => name === "mcp-gate");
    assert.deepEqual([spec?.envFrom, spec?.volumeMounts], [undefined, undefined]);
  });

  for (const [release, why] of [
    ["toolGone", /mcp-gate of pod tools-mcp-\S+ last printed: .*lists 1 tool, but not search/],
    ["hangs", /mcp-gate of pod tools-mcp-\S+ last printed: .*gives no answer within 3 seconds/],
    ["healthOnly", /mcp-gate of pod tools-mcp-\S+ last printed: .*404/],
  ] as const) {
    it(`lets no client meet a release that is ${release}: the update fails in its words, the old pods serve`, async () => {
      await configure(release, "start");
      assert.match(await failed(), why);
      assert.equal(await serving(), "good");
      assert.equal((await pods()).length, 2);
    });
  }

  it("is healed by the next update with the release of before", async () => {
    await configure("good", "start");
    await stack.up();
    assert.equal(await serving(), "good");
    await eventually("one pod is left", async () => (await pods()).length === 1);
  });

  it("has a server restarted that hangs, within the time for that", async function () {
    if (cluster.engine !== "bare") {
      process.stdout.write("    skipped: the server's process is not one of this machine\n");
      this.skip();
    }
    await configure("good", { check: "always", restartSeconds: 5 });
    await stack.up();
    await eventually("one pod is left", async () => (await pods()).length === 1);
    const [pod] = await pods();
    const restarts = async (): Promise<number> => {
      const { status } = await kube.core.readNamespacedPod({
        ...{ namespace, name: pod?.metadata?.name ?? "" },
      });
      return status?.containerStatuses?.[0]?.restartCount ?? 0;
    };
    assert.equal(await restarts(), 0);
    await promisify(execFile)("pkill", ["-STOP", "-f", `${code}:app`]);
    await eventually("it is restarted", async () => (await restarts()) === 1, 90);
    await eventually("it serves", async () => (await serving()) === "good", 60);
  });

  it("holds a release to the tools lock: reworded tools meet no client until they are approved", async () => {
    await configure("good", "start");
    lock("Finds issues.");
    await stack.up();
    await eventually("the good release serves", async () => (await serving()) === "good");
    await configure("reworded", "start");
    assert.match(
      await failed(),
      /mcp-gate of pod tools-mcp-\S+ last printed: .*has changed search \(description\), fetch \(description\), against the tools lock/,
    );
    assert.equal(await serving(), "good");
    lock("Finds all, and sends it on.");
    await stack.up();
    await eventually("the approved release serves", async () => (await serving()) === "reworded");
  });

  it("is what keeps it out: without the gate the broken release goes live", async () => {
    await configure("toolGone", "off");
    await stack.up();
    await eventually("the new release serves", async () => (await serving()) === "toolGone");
  });
});
