import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { findServers, findStray } from "@mcp-fleet/cluster";
import type { Kube } from "@mcp-fleet/kube";
import {
  getMcpStatus,
  listMcpServers,
  type McpServerSummary,
  readLogs,
  restartMcp,
  scaleMcp,
  startMcp,
  stopMcp,
} from "@mcp-fleet/lifecycle";
import { createManager } from "@mcp-fleet/manager";
import type { Fleet, VerifiedServer } from "@mcp-fleet/operations";
import { readServices } from "@mcp-fleet/operations/dist/services";
import { explained } from "@mcp-fleet/operations/dist/verify";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import pino from "pino";

import { type OddShape, oddShapes } from "../../support/odd-shapes";
import { seen } from "../../support/odd-shapes-seen";
import { stubNamespace, type StubWrites } from "../../support/stub-namespace";

const namespace = "n";
const shapes = oddShapes(namespace, { server: "registry.example.com/everything:1" });

/** `statefulsets/kept`, as in the API's paths. */
const pathOf = ({ workload }: OddShape): string =>
  `${workload.kind?.toLowerCase()}s/${workload.metadata?.name}`;

/** Exactly the expected lines. */
function sameLines(lines: readonly string[], expected: readonly RegExp[], what: string): void {
  assert.equal(lines.length, expected.length, `${what}: ${lines.join("\n")}`);
  expected.forEach((one, index) => assert.match(lines[index] ?? "", one, what));
}

describe("servers that other people's manifests made: every verb means the same by them", () => {
  let stub: StubWrites;
  let kube: Kube;
  let listed: McpServerSummary[];
  before(async () => {
    stub = await stubNamespace(seen(shapes));
    kube = await stub.api.kube();
    listed = await listMcpServers(kube);
  });
  after(() => stub.api.die());
  beforeEach(() => stub.writes.splice(0));

  it("all are listed, and nothing else", () => {
    assert.deepEqual(
      listed.map(({ name }) => name),
      shapes.map(({ name }) => name).sort(),
    );
  });

  for (const shape of shapes) {
    it(`${shape.what} (${shape.name})`, async () => {
      const { name, call, services, obstacles } = shape;
      const [, own = name] = name.split("/");
      const summary = listed.find((one) => one.name === name);
      assert.ok(summary !== undefined);
      const url = call === undefined ? undefined : `http://${call}`;
      assert.deepEqual(
        [summary.services, summary.url, summary.status, summary.kind, summary.workload],
        [services, url, shape.status, shape.workload.kind, own],
      );
      sameLines(summary.obstacles, obstacles, "list");

      const status = await getMcpStatus(kube, name);
      const { troubles, lastLines, conditions: _, ...rest } = status;
      assert.deepEqual({ ...rest, ...summary }, rest);
      sameLines(troubles, shape.trouble === undefined ? [] : [shape.trouble], "status");
      const said = lastLines.flatMap(({ lines }) => lines);
      sameLines(said, shape.said === undefined ? [] : [shape.said], "last lines");

      const { servers, leftOut } = await findServers(kube, namespace);
      const client = servers.find((one) => one.inCluster === url);
      assert.equal(client?.name, url === undefined ? undefined : (shape.client ?? name));
      assert.equal(client?.service, url === undefined ? undefined : services[0]);
      const left = leftOut.filter((one) => one.name === name).map(({ why }) => why);
      sameLines(left, url === undefined ? obstacles.slice(0, 1) : [], "mcp-json");

      const nowhere = { clusters: [], namespaces: ["elsewhere"] };
      const stray = await findStray(kube, nowhere, { clusters: [], namespaces: [] });
      const found = stray.servers.find((one) => one.kind === summary.kind && one.name === own);
      assert.equal(found?.evidence, "label");
      assert.deepEqual([...(found?.services ?? [])].sort(), [...services].sort());
    });
  }

  for (const shape of shapes) {
    it(`${shape.name}: scale, stop, start, restart and logs reach its ${shape.workload.kind}`, async () => {
      const { name, workload, noScale, noRestart, doing } = shape;
      const wanted = workload.spec?.replicas ?? 1;
      const path = pathOf(shape);
      if (noScale === undefined) {
        const { after, obstacles } = await scaleMcp(kube, name, 7);
        assert.equal(after, 7);
        assert.match(stub.writes.join(), new RegExp(`^PATCH ${path}/scale .*"replicas":7`));
        assert.equal(
          obstacles.length,
          shape.obstacles.filter((one) => !/Service/.test(one.source)).length,
        );
      } else await assert.rejects(scaleMcp(kube, name, 7), noScale);
      stub.writes.splice(0);

      await stopMcp(kube, name);
      await startMcp(kube, name, { wait: false });
      // The objects do not change here: those with replicas are running and need no start.
      assert.equal(stub.writes.length, 1);
      assert.match(
        stub.writes[0] ?? "",
        new RegExp(`^PATCH ${path}/scale .*"replicas":${wanted === 0 ? 1 : 0}`),
      );
      stub.writes.splice(0);

      if (noRestart !== undefined) await assert.rejects(restartMcp(kube, name), noRestart);
      else await restartMcp(kube, name, { wait: false });
      const restarts = noRestart === undefined && wanted > 0 ? 1 : 0;
      assert.equal(stub.writes.length, restarts);
      if (restarts > 0)
        assert.match(stub.writes[0] ?? "", new RegExp(`^PATCH ${path} .*restartedAt`));

      const lines: string[] = [];
      const notes: string[] = [];
      const keep = (_pod: string, text: string): void => void notes.push(text);
      const read = readLogs(
        kube,
        name,
        (_pod, line) => lines.push(line),
        {},
        {
          onSilent: keep,
          onInit: keep,
        },
      );
      if (shape.said === undefined) {
        await assert.rejects(read, doing === "nothing" ? /has no pods/ : /has a log yet/);
      } else {
        await read;
        assert.equal(lines.length, 1);
        const init = doing === "crash" ? [] : [/its init container wait-for-db/];
        sameLines(notes, init, "logs");
      }
    });
  }

  it("drift counts a server once, by the Service to call, and pods only where a selector tells them", async () => {
    const services = await readServices(kube, namespace);
    const carrying = [...services.values()].filter(({ carries }) => carries);
    const wanted = shapes.flatMap(({ call, services: [first] }) =>
      call === undefined ? [] : first,
    );
    assert.deepEqual(carrying.map(({ name }) => name).sort(), [...new Set(wanted)].sort());
    const ready = ["external", "by-hand", "shop", "several-gateway", "zero"];
    assert.deepEqual(
      ready.map((name) => services.get(name)?.readyPods),
      [undefined, undefined, 2, 1, 0],
    );
    assert.deepEqual(services.get("shop")?.servers, ["blue", "green"]);
    assert.deepEqual(services.get("external")?.servers, []);
  });

  it("verify says of a server that fails what the list says of it", async () => {
    const result = (name: string): VerifiedServer => ({
      ...{ server: name, consumer: "web", ok: false, outcome: "unreachable", problem: "no answer" },
      ...{ url: `http://${name}.${namespace}:80/mcp`, protocolVersion: "", serverVersion: "" },
      ...{ latencyMs: 0, tools: 0, compared: false, missing: [], renamed: [], added: [] },
    });
    const fleet = { kubernetes: {}, probe: { namespace } } as unknown as Fleet;
    const names = ["init-crash", "scaled", "external", "zero"];
    const { kubeconfig } = stub.api;
    const told = await explained(names.map(result), fleet, { kubeconfig, databaseUrl: "" });
    const [crash, scaled, external, zero] = told.map(({ inTheWay }) => inTheWay);
    assert.match(
      crash?.[0] ?? "",
      /^Deployment init-crash is failed: pod \S+ is in CrashLoopBackOff/,
    );
    assert.match(scaled?.[0] ?? "", /^HorizontalPodAutoscaler scaled-by-load/);
    assert.deepEqual(external, ["Service external leads to no MCP server"]);
    assert.deepEqual(zero, ["Deployment zero is stopped"]);
  });

  it("the manager answers the same, in the form that its schemas promise", async () => {
    const policy = { allowForceStop: true, allowScaleToZero: true };
    const manager = createManager({ version: "1", kube, policy, log: pino({ level: "silent" }) });
    const client = new Client({ name: "test", version: "1" });
    const [here, there] = InMemoryTransport.createLinkedPair();
    await Promise.all([manager.connect(there), client.connect(here)]);
    const list = await client.callTool({ name: "list_mcp_servers", arguments: {} });
    assert.deepEqual(list.structuredContent, { servers: listed });
    for (const { name } of shapes) {
      const one = await client.callTool({ name: "get_mcp_status", arguments: { name } });
      assert.deepEqual(one.structuredContent, await getMcpStatus(kube, name));
    }
    const scaled = await client.callTool({
      name: "scale_mcp",
      arguments: { name: "scaled", replicas: 7 },
    });
    assert.equal(scaled.isError, true);
    assert.match(JSON.stringify(scaled.content), /would undo 7/);
    await client.close();
  });

  it("docs/cli.md has a row for each", () => {
    const page = readFileSync("docs/cli.md", "utf8");
    for (const { what } of shapes) {
      const row = `| ${what.replace(/: (blue|green)$/, "")} `;
      assert.ok(page.includes(row), row);
    }
  });

  it("a name of two is refused with both, and the kind before it says which", async () => {
    await assert.rejects(
      getMcpStatus(kube, "twin"),
      /"twin" is a name of several servers .*\n.*deployment\/twin or statefulset\/twin/,
    );
    assert.equal((await getMcpStatus(kube, "sts/twin")).kind, "StatefulSet");
    await assert.rejects(getMcpStatus(kube, "sts/plain"), /There is no server "sts\/plain"/);
  });
});
