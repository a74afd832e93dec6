import assert from "node:assert/strict";

import type * as pulumi from "@pulumi/pulumi";

import { McpServer, type McpServerArgs } from "../../components/server";
import { Recorder } from "../support/mocks";
import { promiseOf } from "../support/outputs";
import { runProgram } from "../support/resources";

const selector = {
  "app.kubernetes.io/name": "mcp-server",
  "app.kubernetes.io/component": "mcp-server",
};
const image = "registry.example/todo-backend:1.4.0";

/** A stack with only the todo application's server, with these settings. */
async function todo(settings: Record<string, unknown>): Promise<Recorder> {
  const server = { source: "shared", name: "mcp-server", image, command: ["uvicorn"], port: 8001 };
  const { recorder } = await runProgram({
    plain: {
      ...{ namespace: "todo-app", application: "todo-app", createNamespace: false },
      ...{ cutover: { enabled: false }, studio: { enabled: false } },
      consumers: [{ name: "backend", labels: { app: "backend" } }],
      servers: { todo: { ...server, ...settings } },
    },
  });
  return recorder;
}

function spec(recorder: Recorder, type: string): Record<string, unknown> {
  return recorder.one(`kubernetes:${type}`, "mcp-server").inputs.spec as Record<string, unknown>;
}

function pod(recorder: Recorder): Record<string, unknown> {
  return (spec(recorder, "apps/v1:Deployment").template as { spec: Record<string, unknown> }).spec;
}

const scaler = "autoscaling/v2:HorizontalPodAutoscaler";
const budget = "policy/v1:PodDisruptionBudget";

describe("replicas of a server", () => {
  it("is one without autoscaler and budget in dev", async () => {
    const recorder = await todo({ replicas: 1 });
    assert.equal(spec(recorder, "apps/v1:Deployment").replicas, 1);
    assert.deepEqual(recorder.of(`kubernetes:${scaler}`), []);
    assert.deepEqual(recorder.of(`kubernetes:${budget}`), []);
  });

  it("are two at first, one to three by load and never all away at once in prod", async () => {
    const recorder = await todo({
      replicas: 2,
      autoscaling: { minReplicas: 1, maxReplicas: 3, cpuPercent: 70 },
      disruptionBudget: {},
      spreadOver: ["kubernetes.io/hostname"],
    });
    assert.equal(spec(recorder, "apps/v1:Deployment").replicas, 2);
    const scaling = {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "mcp-server" },
      minReplicas: 1,
      maxReplicas: 3,
      metrics: [
        {
          type: "Resource",
          resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 70 } },
        },
      ],
    };
    assert.deepEqual(spec(recorder, scaler), scaling);
    assert.deepEqual(spec(recorder, budget), {
      maxUnavailable: 1,
      selector: { matchLabels: selector },
      unhealthyPodEvictionPolicy: "AlwaysAllow",
    });
    assert.deepEqual(pod(recorder).topologySpreadConstraints, [
      {
        maxSkew: 1,
        topologyKey: "kubernetes.io/hostname",
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector: { matchLabels: selector },
        matchLabelKeys: ["pod-template-hash"],
      },
    ]);
    const defaults = await todo({ autoscaling: { maxReplicas: 3 } });
    assert.deepEqual(spec(defaults, scaler), scaling);
    assert.equal(spec(defaults, "apps/v1:Deployment").replicas, 1);
    const byMemory = await todo({
      autoscaling: { minReplicas: 2, maxReplicas: 3, memoryPercent: 80 },
    });
    const metrics = spec(byMemory, scaler).metrics as { resource: { name: string } }[];
    assert.deepEqual(
      metrics.map((one) => one.resource.name),
      ["memory"],
    );
    assert.equal(spec(byMemory, "apps/v1:Deployment").replicas, 2);
  });

  it("are left to the autoscaler after the first time, and only to one", async () => {
    const ignored = async (changes: Partial<McpServerArgs>): Promise<unknown> => {
      await Recorder.install();
      let seen: unknown = "not registered";
      const look: pulumi.ResourceTransformation = ({ type, opts }) => {
        if (type === "kubernetes:apps/v1:Deployment") seen = opts.ignoreChanges;
        return undefined;
      };
      const server = new McpServer(
        "x-mcp",
        {
          ...{ name: "x-mcp", namespace: "a", application: "a", port: 80 },
          ...{ image, consumers: [] },
          ...changes,
        },
        { transformations: [look] },
      );
      await promiseOf(server.workload.urn);
      return seen;
    };
    const autoscaling = { minReplicas: 1, maxReplicas: 3, cpuPercent: 70 };
    assert.deepEqual(await ignored({ autoscaling }), ["spec.replicas"]);
    assert.equal(await ignored({}), undefined);
  });
});

describe("where a server runs and how it ends", () => {
  it("is what the stack says", async () => {
    const tolerations = [{ key: "gpu", operator: "Exists", effect: "NoSchedule" }];
    const recorder = await todo({
      priorityClass: "tools",
      nodeSelector: { "kubernetes.io/arch": "arm64" },
      tolerations,
      preStopSeconds: 15,
      terminationGraceSeconds: 60,
    });
    const { priorityClassName, nodeSelector, tolerations: tolerated, ...rest } = pod(recorder);
    assert.deepEqual(
      { priorityClassName, nodeSelector, tolerated },
      {
        priorityClassName: "tools",
        nodeSelector: { "kubernetes.io/arch": "arm64" },
        tolerated: tolerations,
      },
    );
    assert.equal(rest.terminationGracePeriodSeconds, 60);
    const [container] = rest.containers as { lifecycle?: unknown }[];
    assert.deepEqual(container?.lifecycle, { preStop: { sleep: { seconds: 15 } } });
  });

  it("keeps no preStop hook where none is wanted", async () => {
    const without = pod(await todo({ preStopSeconds: 0 }));
    assert.equal(without.terminationGracePeriodSeconds, 10);
    assert.ok(!("lifecycle" in ((without.containers as object[])[0] ?? {})));
  });
});

describe("who reaches a server and where it connects to", () => {
  const backend = {
    from: [{ podSelector: { matchLabels: { app: "backend" } } }],
    ports: [{ protocol: "TCP", port: 8001 }],
  };
  const office = {
    from: [{ ipBlock: { cidr: "10.20.0.0/24" } }],
    ports: [{ protocol: "TCP", port: 8001 }],
  };

  it("is a node port with the addresses that may call it", async () => {
    const recorder = await todo({
      service: { type: "NodePort", nodePort: 31100, sourceRanges: ["10.20.0.0/24"] },
    });
    assert.deepEqual(spec(recorder, "core/v1:Service"), {
      type: "NodePort",
      externalTrafficPolicy: "Cluster",
      selector,
      ports: [{ name: "http", port: 8001, targetPort: "http", protocol: "TCP", nodePort: 31100 }],
    });
    assert.deepEqual(spec(recorder, "networking.k8s.io/v1:NetworkPolicy").ingress, [
      backend,
      office,
    ]);
  });

  it("is a load balancer that asks only nodes with pods, so that callers keep their address", async () => {
    const recorder = await todo({
      service: {
        type: "LoadBalancer",
        sourceRanges: ["10.20.0.0/24"],
        annotations: { "example.com/internal": "true" },
      },
    });
    assert.deepEqual(spec(recorder, "core/v1:Service"), {
      type: "LoadBalancer",
      externalTrafficPolicy: "Local",
      loadBalancerSourceRanges: ["10.20.0.0/24"],
      selector,
      ports: [{ name: "http", port: 8001, targetPort: "http", protocol: "TCP" }],
    });
    const service = recorder.one("kubernetes:core/v1:Service", "mcp-server").inputs;
    assert.deepEqual((service.metadata as { annotations: unknown }).annotations, {
      "pulumi.com/skipAwait": "true",
      "mcp-fleet.dev/mcp-path": "/mcp",
      "mcp-fleet.dev/server": "todo",
      "example.com/internal": "true",
    });
    assert.deepEqual(spec(recorder, "networking.k8s.io/v1:NetworkPolicy").ingress, [
      backend,
      office,
    ]);
  });

  it("is a profile with ranges and ports beside it", async () => {
    const recorder = await todo({
      egress: {
        profile: "none",
        to: [
          { cidr: "10.30.0.0/16", except: ["10.30.9.0/24"], ports: [5432, 5433] },
          { cidr: "2001:db8::/32" },
        ],
      },
    });
    assert.deepEqual(spec(recorder, "networking.k8s.io/v1:NetworkPolicy").egress, [
      {
        to: [{ ipBlock: { cidr: "10.30.0.0/16", except: ["10.30.9.0/24"] } }],
        ports: [
          { protocol: "TCP", port: 5432 },
          { protocol: "TCP", port: 5433 },
        ],
      },
      { to: [{ ipBlock: { cidr: "2001:db8::/32" } }] },
    ]);
    const dns = await todo({ egress: { to: [{ cidr: "10.30.0.0/16" }] } });
    const rules = spec(dns, "networking.k8s.io/v1:NetworkPolicy").egress as unknown[];
    assert.equal(rules.length, 2);
    assert.match(JSON.stringify(rules[0]), /"port":53/);
  });

  it("is a CiliumNetworkPolicy for host names, and only for them", async () => {
    const kind = "kubernetes:cilium.io/v2:CiliumNetworkPolicy";
    const recorder = await todo({ egress: { fqdns: ["api.github.com", "*.atlassian.net"] } });
    const [policy, ...others] = recorder.of(kind);
    assert.equal(others.length, 0);
    const { endpointSelector, egress } = policy?.inputs.spec as Record<string, unknown>;
    assert.deepEqual((egress as unknown[])[1], {
      toFQDNs: [{ matchName: "api.github.com" }, { matchPattern: "*.atlassian.net" }],
      toPorts: [{ ports: [{ port: "443", protocol: "TCP" }] }],
    });
    const standard = spec(recorder, "networking.k8s.io/v1:NetworkPolicy");
    assert.deepEqual(endpointSelector, standard.podSelector);
    assert.equal((standard.egress as unknown[]).length, 1, "the standard policy opens DNS alone");
    assert.deepEqual((await todo({ egress: "dns" })).of(kind), []);
  });
});

describe("a stack's transforms", () => {
  it("are merged into each object last", async () => {
    const mark = { metadata: { annotations: { team: "tools" } } };
    const recorder = await todo({
      replicas: 2,
      autoscaling: { maxReplicas: 3 },
      disruptionBudget: {},
      transform: {
        ...{ deployment: mark, service: mark, serviceAccount: mark, networkPolicy: mark },
        ...{ autoscaler: { ...mark, spec: { maxReplicas: 9 } }, disruptionBudget: mark },
      },
    });
    const marked = recorder.resources.filter((one) => {
      const metadata = one.inputs.metadata as { annotations?: { team?: string } } | undefined;
      return metadata?.annotations?.team === "tools";
    });
    assert.deepEqual(marked.map((one) => one.type).sort(), [
      "kubernetes:apps/v1:Deployment",
      "kubernetes:autoscaling/v2:HorizontalPodAutoscaler",
      "kubernetes:core/v1:Service",
      "kubernetes:core/v1:ServiceAccount",
      "kubernetes:networking.k8s.io/v1:NetworkPolicy",
      "kubernetes:policy/v1:PodDisruptionBudget",
    ]);
    assert.equal(spec(recorder, scaler).maxReplicas, 9);
  });
});
