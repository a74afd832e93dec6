import { strict as assert } from "node:assert";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer as createHttp } from "node:http";
import { type AddressInfo, createServer as createTcp, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSecureContext, createServer as createTls, TLSSocket } from "node:tls";

import type { V1Pod } from "@kubernetes/client-node";
import {
  type AgentStatus,
  certificateEnd,
  type ClusterView,
  observe,
  parseConfig,
  Recorder,
} from "@mcp-fleet/observer";

import { run } from "../../../lab/exec";

const listening: Server[] = [];

async function listen(server: Server): Promise<number> {
  listening.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

after(() => listening.forEach((server) => server.close()));

const labels = { "app.kubernetes.io/name": "llmctl-mcp-github" };
const cluster = (written: [string, AgentStatus][]): ClusterView => ({
  creationEvents: () => assert.fail("no StatefulSet lacks a pod"),
  workloads: () =>
    Promise.resolve([
      {
        metadata: { name: "llmctl-mcp-github" },
        spec: { replicas: 2, selector: {}, template: {} },
        status: { readyReplicas: 1, replicas: 3, updatedReplicas: 1 },
      },
    ]),
  pods: () =>
    Promise.resolve<V1Pod[]>([
      {
        metadata: { name: "github-a", labels },
        status: {
          containerStatuses: [
            { name: "mcp-server", restartCount: 4, image: "", imageID: "", ready: true },
          ],
        },
      },
      {
        metadata: {
          name: "llmctl-mcp-github-7d-x",
          labels: { "pod-template-hash": "7d" },
          ownerReferences: [
            {
              ...{ kind: "ReplicaSet", name: "llmctl-mcp-github-7d", controller: true },
              ...{ apiVersion: "apps/v1", uid: "r" },
            },
          ],
        },
        status: {
          containerStatuses: [
            {
              ...{ name: "mcp-server", restartCount: 0, image: "i", imageID: "", ready: false },
              state: { waiting: { reason: "ImagePullBackOff" } },
            },
          ],
        },
      },
      { metadata: { name: "studio-old", labels: { "mcp-fleet.dev/generation": "2" } } },
      { metadata: { name: "studio-new", labels: { "mcp-fleet.dev/generation": "3" } } },
      {
        metadata: { name: "studio-ended", labels: { "mcp-fleet.dev/generation": "1" } },
        status: { phase: "Failed" },
      },
    ]),
  agents: () =>
    Promise.resolve([{ metadata: { name: "greeter" }, spec: { agentName: "greeter" } }]),
  setStatus: (name, status) => {
    written.push([name, status]);
    return Promise.resolve();
  },
});

describe("the observer", () => {
  it("reports pods, generation and agents, and writes the status of a declared agent", async () => {
    const registry = createHttp((_request, response) => {
      const agents = [{ id: "greeter-1", name: "greeter", status: "healthy" }];
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ agents, count: 1 }));
    });
    const config = parseConfig(
      JSON.stringify({
        namespace: "llmctl",
        application: "llmctl-studio",
        servers: { github: "llmctl-mcp-github", gone: "llmctl-mcp-gone" },
        registry: `http://127.0.0.1:${await listen(registry)}`,
      }),
    );
    const written: [string, AgentStatus][] = [];
    const recorder = new Recorder();
    recorder.record(await observe(config, cluster(written), () => assert.fail()));
    assert.deepEqual(
      written.map(([name, { phase }]) => [name, phase]),
      [["greeter", "Healthy"]],
    );
    const text = await recorder.registry.metrics();
    for (const line of [
      'mcp_server_pods_wanted{server="github"} 2',
      'mcp_server_pods_ready{server="github"} 1',
      'mcp_server_pods_ready{server="gone"} 0',
      'mcp_server_rollout_failed{server="github"} 1',
      'mcp_server_rollout_failed{server="gone"} 0',
      'mcp_server_restarts_total{server="github",pod="github-a"} 4',
      'mcp_application_generation{application="llmctl-studio"} 2',
      "mcp_mesh_registry_up 1",
      'mcp_mesh_agents{status="healthy"} 1',
      'mcp_mesh_agents{status="unhealthy"} 0',
      'mcp_mesh_agent_available{agent="greeter"} 1',
      'mcp_fleet_observer_up{source="kubernetes"} 1',
    ]) {
      assert.ok(text.split("\n").includes(line), `${line} is not in\n${text}`);
    }
  });

  it("looks at StatefulSets, also while a Deployment of the same name is still there", async () => {
    const config = parseConfig(
      JSON.stringify({
        ...{ namespace: "llmctl", application: "llmctl-studio" },
        servers: { memory: "memory-mcp", kept: "kept-mcp" },
      }),
    );
    const spec = { selector: {}, serviceName: "memory-mcp", template: {} };
    const view: ClusterView = {
      ...cluster([]),
      workloads: () =>
        Promise.resolve([
          { metadata: { name: "memory-mcp" }, spec: { replicas: 1, selector: {}, template: {} } },
          {
            ...{ kind: "StatefulSet", metadata: { name: "memory-mcp", uid: "m" } },
            ...{ spec: { ...spec, replicas: 3 }, status: { replicas: 2, readyReplicas: 2 } },
          },
          {
            ...{ kind: "StatefulSet", metadata: { name: "kept-mcp", uid: "k" } },
            spec: { ...spec, replicas: 1 },
            status: { replicas: 1, readyReplicas: 1, updatedReplicas: 1, availableReplicas: 1 },
          },
        ]),
      creationEvents: () =>
        Promise.resolve([
          {
            ...{ metadata: {}, reason: "FailedCreate", message: "exceeded quota: pods" },
            involvedObject: { kind: "StatefulSet", name: "memory-mcp", uid: "m" },
          },
        ]),
    };
    const recorder = new Recorder();
    recorder.record(await observe(config, view, () => assert.fail()));
    const text = await recorder.registry.metrics();
    for (const line of [
      'mcp_server_pods_wanted{server="memory"} 3',
      'mcp_server_pods_ready{server="memory"} 2',
      'mcp_server_rollout_failed{server="memory"} 1',
      'mcp_server_pods_ready{server="kept"} 1',
      'mcp_server_rollout_failed{server="kept"} 0',
    ])
      assert.ok(text.split("\n").includes(line), `${line} is not in\n${text}`);
  });

  it("says what it cannot see and goes on with the rest", async () => {
    const config = parseConfig(
      JSON.stringify({
        namespace: "llmctl",
        application: "llmctl-studio",
        registry: "http://127.0.0.1:9",
        certificates: ["127.0.0.1:9"],
      }),
    );
    const problems: string[] = [];
    const denied: ClusterView = {
      ...cluster([]),
      pods: () => Promise.reject(new Error("pods is forbidden")),
    };
    const recorder = new Recorder();
    recorder.record(await observe(config, denied, (source) => void problems.push(source)));
    assert.deepEqual(problems.sort(), ["certificates", "kubernetes", "registry"]);
    const text = await recorder.registry.metrics();
    assert.match(text, /mcp_fleet_observer_up\{source="kubernetes"\} 0/);
    assert.match(text, /mcp_mesh_registry_up 0/);
    assert.match(text, /mcp_certificate_readable\{endpoint="127.0.0.1:9"\} 0/);
    assert.doesNotMatch(text, /mcp_server_pods_ready\{/);
  });

  it("refuses a configuration by the names of its wrong keys", () => {
    assert.throws(() => parseConfig(undefined), /OBSERVER_CONFIG is not JSON/);
    assert.throws(
      () => parseConfig('{"namespace":"x","application":"y","registry":"nowhere"}'),
      /OBSERVER_CONFIG is wrong: registry/,
    );
  });
});

describe("the end of a certificate", () => {
  let dir: string;
  let key: string;
  let cert: string;
  let end: number;

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "mcp-fleet-cert-"));
    const files = ["-keyout", join(dir, "key.pem"), "-out", join(dir, "cert.pem")];
    const days = ["-days", "12", "-subj", "/CN=localhost"];
    await run("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", ...files, ...days]);
    end = Math.floor(Date.now() / 1000) + 12 * 86_400;
    key = await readFile(join(dir, "key.pem"), "utf8");
    cert = await readFile(join(dir, "cert.pem"), "utf8");
  });

  after(() => rm(dir, { recursive: true, force: true }));

  it("is read from a TLS endpoint whose issuer nobody knows", async () => {
    const port = await listen(createTls({ key, cert }));
    assert.ok(Math.abs((await certificateEnd(`127.0.0.1:${port}`)) - end) < 60);
  });

  it("is read from a database that starts TLS on request", async () => {
    const port = await listen(
      createTcp((socket) => {
        socket.on("error", () => undefined);
        socket.once("data", (request: Buffer) => {
          assert.equal(request.readInt32BE(4), 80877103);
          socket.write("S");
          new TLSSocket(socket, {
            isServer: true,
            secureContext: createSecureContext({ key, cert }),
          });
        });
      }),
    );
    assert.ok(Math.abs((await certificateEnd(`postgresql://127.0.0.1:${port}`)) - end) < 60);
  });

  it("is not known of a database without TLS", async () => {
    const port = await listen(createTcp((socket) => socket.once("data", () => socket.write("N"))));
    await assert.rejects(certificateEnd(`postgresql://127.0.0.1:${port}`), /takes no TLS/);
  });
});
