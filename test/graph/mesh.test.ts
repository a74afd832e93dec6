import assert from "node:assert/strict";

import type { Recorder } from "../support/mocks";
import { runProgram, type TestConfig } from "../support/resources";

const agents = {
  greeter: { image: "registry.example/greeter:1.0.0", capabilities: [{ name: "greeting" }] },
  caller: { image: "registry.example/caller:1.0.0", dependencies: ["greeting"], advertise: "pod" },
};
const stack = (mesh: Record<string, unknown>, more: Record<string, unknown> = {}): TestConfig => ({
  plain: {
    ...{ namespace: "mcp-mesh", application: "mcp-mesh" },
    ...{ cutover: { enabled: false }, studio: { enabled: false } },
    mesh: { registry: { image: "mcpmesh/registry:3.6.0" }, agents, ...mesh },
    ...more,
  },
});

type Env = { name: string; value?: string; valueFrom?: unknown }[];
type Pod = { containers: [{ env: Env; volumeMounts: unknown[] } & Record<string, unknown>] };

function pod(recorder: Recorder, kind: string, name: string): Pod {
  const { spec } = recorder.one(`kubernetes:apps/v1:${kind}`, name).inputs as {
    spec: { template: { spec: Pod } };
  };
  return spec.template.spec;
}

const env = (recorder: Recorder, name: string): Record<string, unknown> =>
  Object.fromEntries(
    pod(recorder, "Deployment", name).containers[0].env.map((one) => [
      one.name,
      one.value ?? one.valueFrom,
    ]),
  );

const problems = async (config: TestConfig): Promise<string> => {
  try {
    await runProgram(config);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("the configuration was to be refused and was not");
};

describe("a mesh", () => {
  it("starts no agent before the registry's pod is ready", async () => {
    let ready = false;
    const early: string[] = [];
    const { recorder } = await runProgram(stack({}), {
      hold: async (type, name) => {
        if (type.endsWith(":Deployment") && !ready) early.push(name);
        if (!type.endsWith(":StatefulSet")) return;
        await new Promise((resolve) => setTimeout(resolve, 300));
        ready = true;
      },
    });
    assert.deepEqual(early, []);
    assert.equal(recorder.of("kubernetes:apps/v1:Deployment").length, 2);
  });

  it("keeps the registry's data on a claim of its own, or in a database that a Secret names", async () => {
    const sqlite = await runProgram(stack({}));
    const set = sqlite.recorder.one("kubernetes:apps/v1:StatefulSet", "mcp-registry").inputs;
    assert.equal((set.spec as { volumeClaimTemplates: unknown[] }).volumeClaimTemplates.length, 1);
    const { containers } = pod(sqlite.recorder, "StatefulSet", "mcp-registry");
    assert.ok(
      containers[0].volumeMounts.some(
        (mount) => (mount as { mountPath: string }).mountPath === "/data",
      ),
    );
    const image = "mcpmesh/registry:3.6.0";
    const storage = { postgresql: { secret: "mesh-database" } };
    const { recorder } = await runProgram(stack({ registry: { image, storage } }));
    assert.deepEqual(pod(recorder, "StatefulSet", "mcp-registry").containers[0].env, [
      {
        name: "DATABASE_URL",
        valueFrom: { secretKeyRef: { name: "mesh-database", key: "DATABASE_URL" } },
      },
    ]);
  });

  it("tells each agent where the registry is and what to advertise", async () => {
    const { recorder } = await runProgram(stack({}));
    const greeter = env(recorder, "greeter");
    assert.equal(
      greeter.MCP_MESH_REGISTRY_URL,
      "http://mcp-registry.mcp-mesh.svc.cluster.local:8000",
    );
    assert.equal(greeter.MCP_MESH_HTTP_ENABLED, "true");
    assert.equal(greeter.MCP_MESH_HTTP_HOST, "greeter.mcp-mesh");
    const caller = env(recorder, "caller");
    assert.equal(caller.MCP_MESH_HTTP_HOST, "$(POD_IP)");
    assert.deepEqual(caller.POD_IP, { fieldRef: { fieldPath: "status.podIP" } });
    const names = pod(recorder, "Deployment", "caller").containers[0].env.map(({ name }) => name);
    assert.ok(names.indexOf("POD_IP") < names.indexOf("MCP_MESH_HTTP_HOST"), "the kubelet's order");
    recorder.one("kubernetes:core/v1:Service", "caller-headless");
  });

  it("asks agents on the paths they serve", async () => {
    const { recorder } = await runProgram(stack({}));
    const [container] = pod(recorder, "Deployment", "greeter").containers;
    const paths = ["startupProbe", "readinessProbe", "livenessProbe"].map(
      (probe) => (container[probe] as { httpGet: { path: string } }).httpGet.path,
    );
    assert.deepEqual(paths, ["/startupz", "/ready", "/livez"]);
  });

  it("lets agents reach registry and each other, and nobody else into the registry", async () => {
    const { recorder } = await runProgram(stack({}));
    const policy = (name: string): unknown =>
      recorder.one("kubernetes:networking.k8s.io/v1:NetworkPolicy", name).inputs.spec;
    const partOf = { "app.kubernetes.io/part-of": "mcp-mesh" };
    assert.deepEqual((policy("mcp-registry") as { ingress: unknown }).ingress, [
      {
        from: ["mcp-agent", "metrics"].map((component) => ({
          podSelector: {
            matchLabels: { "app.kubernetes.io/component": component, ...partOf },
          },
        })),
        ports: [{ protocol: "TCP", port: 8000 }],
      },
    ]);
    const text = JSON.stringify((policy("greeter") as { egress: unknown }).egress);
    assert.match(text, /8000.*"mcp-registry".*8080.*"mcp-agent"/);
  });

  it("declares each agent as an object, after the definition", async () => {
    const { recorder } = await runProgram(stack({}));
    const definition = recorder.one(
      "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition",
      "mcp-mesh-agents",
    );
    const object = recorder.one("kubernetes:mesh.mcp.io/v1:MCPAgent", "caller-agent");
    assert.ok(object.order > definition.order);
    assert.deepEqual((object.inputs.spec as { dependencies: string[] }).dependencies, ["greeting"]);
    const without = await runProgram(stack({ defineAgents: false }));
    const types = without.recorder.resources.map((one) => one.type);
    assert.ok(!types.some((type) => type.endsWith(":CustomResourceDefinition")));
  });

  it("makes policies of the service mesh that is named, and of no other", async () => {
    const kinds = async (serviceMesh?: object): Promise<string[]> => {
      const { recorder } = await runProgram(
        stack(serviceMesh === undefined ? {} : { serviceMesh }),
      );
      const types = recorder.resources.map((one) => one.type);
      return types
        .filter((type) => /istio|linkerd/.test(type))
        .map((type) => type.split(":").at(-1) ?? "");
    };
    assert.deepEqual(await kinds(), []);
    assert.deepEqual([...new Set(await kinds({ kind: "istio" }))].sort(), [
      "DestinationRule",
      "PeerAuthentication",
      "VirtualService",
    ]);
    assert.deepEqual([...new Set(await kinds({ kind: "linkerd" }))].sort(), [
      "Server",
      "ServiceProfile",
    ]);
  });

  it("puts the pods that call each other into the service mesh, with a way to its control plane", async () => {
    const observability = {
      ...{ enabled: true, scrapers: {} },
      observer: { image: "registry.example/observer:0.1.0" },
    };
    const workloads = [
      ["kubernetes:apps/v1:StatefulSet", "mcp-registry"],
      ["kubernetes:apps/v1:Deployment", "greeter"],
      ["kubernetes:apps/v1:Deployment", "mcp-mesh-observer"],
    ] as const;
    const asked = async (serviceMesh: object): Promise<unknown[]> => {
      const { recorder } = await runProgram(stack({ serviceMesh }, { observability }));
      return workloads.map(([type, name]) => {
        const { template } = recorder.one(type, name).inputs.spec as {
          template: { metadata: { labels: Record<string, string>; annotations?: object } };
        };
        const policy = recorder.one("kubernetes:networking.k8s.io/v1:NetworkPolicy", name);
        const { egress } = policy.inputs.spec as { egress: { to?: object[]; ports: object[] }[] };
        const { labels, annotations } = template.metadata;
        // Besides the cluster's DNS pods, which every pod may query.
        const others = egress.filter(({ to }) =>
          /metadata\.name":"(?!kube-system)/.test(JSON.stringify(to ?? "")),
        );
        return [labels["sidecar.istio.io/inject"], annotations, others];
      });
    };
    const egress = (name: string, ...ports: number[]): object[] => [
      {
        to: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": name } } }],
        ports: ports.map((port) => ({ protocol: "TCP", port })),
      },
    ];
    const istiod = egress("istio-system", 15012);
    assert.deepEqual(await asked({ kind: "istio" }), [
      ["true", undefined, istiod],
      ["true", undefined, istiod],
      // Prometheus queries it too, from outside of the mesh.
      ["true", { "traffic.sidecar.istio.io/includeInboundPorts": "" }, istiod],
    ]);
    const inject = { "linkerd.io/inject": "enabled" };
    assert.deepEqual(
      await asked({ kind: "linkerd", controlPlaneNamespace: "mesh" }),
      Array(3).fill([undefined, inject, egress("mesh", 8080, 8086, 8090)]),
    );
    assert.deepEqual(
      await asked({ kind: "istio", inject: false }),
      Array(3).fill([undefined, undefined, []]),
    );
  });

  it("tells the service mesh of one service what is otherwise for it, and refuses a service that is none", async () => {
    const services = { greeter: { timeoutSeconds: 120 } };
    const { recorder } = await runProgram(stack({ serviceMesh: { kind: "istio", services } }));
    const http = (name: string): unknown =>
      (
        recorder.one(
          "kubernetes:networking.istio.io/v1:VirtualService",
          `mcp-mesh-istio-${name}-virtualservice`,
        ).inputs.spec as { http: [Record<string, unknown>] }
      ).http[0];
    const retries = {
      ...{ attempts: 2, perTryTimeout: "10s" },
      retryOn: "connect-failure,refused-stream,unavailable",
    };
    const route = (host: string, number: number): object[] => [
      { destination: { host, port: { number } } },
    ];
    assert.deepEqual(http("greeter"), { route: route("greeter", 8080), timeout: "120s", retries });
    assert.deepEqual(http("caller"), { route: route("caller", 8080), timeout: "30s", retries });
    const wrong = { kind: "linkerd", services: { greter: {} } };
    const text = await problems(stack({ serviceMesh: wrong }));
    assert.match(text, /mesh\.serviceMesh\.services\.greter\] is no service of this mesh/);
  });

  it("gives the observer the registry and the right to keep the agents' status", async () => {
    const observability = {
      ...{ enabled: true, scrapers: {} },
      observer: { image: "registry.example/observer:0.1.0" },
    };
    const { recorder } = await runProgram(stack({}, { observability }));
    const role = recorder.one("kubernetes:rbac.authorization.k8s.io/v1:Role", "mcp-mesh-observer");
    assert.match(JSON.stringify(role.inputs.rules), /"mcpagents\/status"\],"verbs":\["patch"\]/);
    assert.match(
      String(env(recorder, "mcp-mesh-observer").OBSERVER_CONFIG),
      /"registry":"http:\/\/mcp-registry\.mcp-mesh/,
    );
  });

  it("refuses moving images, two Services of one name, and a budget that protects nothing, all at once", async () => {
    const text = await problems(
      stack({
        registry: { image: "mcpmesh/registry:latest" },
        agents: {
          "mcp-registry": { image: "registry.example/a:1.0.0" },
          one: { image: "registry.example/one:1.0.0", disruptionBudget: {} },
        },
      }),
    );
    assert.match(text, /mesh\.registry\.image/);
    assert.match(text, /mesh\.agents\.mcp-registry\] is the name of another Service/);
    assert.match(text, /mesh\.agents\.one\.disruptionBudget/);
  });
});
