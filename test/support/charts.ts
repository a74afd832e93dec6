import type { KubeObject } from "../../render/objects";
import { objectsOf } from "../../render/objects";
import { helmTemplate } from "./helm";
import { runProgram } from "./resources";

/** The namespace of all compared objects. */
export const chartNamespace = "mesh-of-charts";
const application = "mcp-mesh";

/** A registry and agents with every key of the charts, each key omitted somewhere. */
const registries = {
  "mcp-registry": {
    image: "mcpmesh/registry:3.6.0",
    storage: { sqlite: { size: "2Gi", storageClass: "fast" } },
    agentTimeoutSeconds: 30,
    env: { DEFAULT_EVICTION_THRESHOLD: "90", HOST: "0.0.0.0" },
  },
  registry: {
    image: "mirror.example:5000/registry@sha256:0123456789abcdef0123456789abcdef",
    port: 8100,
    storage: { postgresql: { secret: "mesh-database", key: "url", port: 6432 } },
    healthCheckSeconds: 5,
    logLevel: "DEBUG",
    resources: { requests: { cpu: "100m", memory: "128Mi" } },
  },
  plain: { image: "mcpmesh/registry:3.6.0" },
};

const agents = {
  plain: { image: "registry.example/plain:1.0.0" },
  greeter: {
    image: "registry.example/greeter:1.0.0_",
    agentName: "greeter-one",
    command: ["python"],
    args: ["-m", "greeter"],
    port: 9000,
    capabilities: [{ name: "greeting", version: "1.0.0", tags: ["hello"] }],
    dependencies: ["clock"],
    advertise: "pod",
    env: {
      HOME: "/home/app",
      LOG: true,
      TOKEN: { secret: "tokens", key: "greeter", optional: true },
      ZONE: { configMap: "zones", key: "own" },
    },
    secret: "greeter-keys",
    replicas: 0,
    startSeconds: 45,
    resources: { limits: { memory: "1Gi" } },
    egress: {
      profile: "cluster",
      to: [
        { cidr: "10.0.0.0/8", except: ["10.1.0.0/16"], ports: [443] },
        { cidr: "::/0" },
        { cidr: "0.0.0.0/0", ports: [443] },
      ],
      fqdns: ["api.example.com", "*.example.org"],
    },
    user: 1000,
    spreadOver: ["kubernetes.io/hostname"],
  },
  scaled: {
    image: "registry.example/scaled:1.0.0",
    egress: {
      profile: "internet",
      pods: [
        { namespace: "data", ports: [5432] },
        { namespace: "x", labels: { app: "y" } },
        { labels: { app: "z" } },
      ],
    },
    autoscaling: { minReplicas: 2, maxReplicas: 6, cpuPercent: 70, memoryPercent: 80 },
    disruptionBudget: { maxUnavailable: 2 },
  },
  alone: {
    image: "registry.example/alone:1.0.0",
    egress: "none",
    replicas: 3,
    autoscaling: { maxReplicas: 3, memoryPercent: 80 },
    disruptionBudget: {},
  },
};

const consumers = [{ name: "studio", labels: { app: "studio" } }];
const imagePullSecrets = ["mirror"];

/** An object as the components declare it, and as the chart renders it with the same settings. */
export interface Pair {
  readonly name: string;
  readonly component: unknown;
  readonly chart: unknown;
}

/** Every object of the registries and agents above, from both. All fields are compared, except the object's manager. */
export async function chartPairs(helm: string): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for (const [name, { ...registry }] of Object.entries(registries)) {
    const declared = await components({ registry: { name, ...registry }, agents: {} });
    const common = { application, imagePullSecrets };
    const rendered = await helmTemplate(helm, name, "mcp-registry", chartNamespace, {
      ...registry,
      ...common,
    });
    pairs.push(...paired(declared, rendered));
  }
  const declared = await components({ registry: registries.plain, agents, defineAgents: false });
  for (const [name, agent] of Object.entries(agents)) {
    const rendered = await helmTemplate(helm, name, "mcp-agent", chartNamespace, {
      ...agent,
      ...{ application, consumers, imagePullSecrets },
    });
    const own = declared.filter(({ metadata }) =>
      [name, `${name}-headless`, `${name}-fqdns`].includes(metadata.name),
    );
    pairs.push(...paired(own, rendered));
  }
  return pairs;
}

async function components(mesh: Record<string, unknown>): Promise<KubeObject[]> {
  const { recorder } = await runProgram({
    plain: {
      ...{ namespace: chartNamespace, application, mesh, consumers, imagePullSecrets },
      ...{ cutover: { enabled: false }, studio: { enabled: false } },
    },
  });
  const declared = recorder.resources
    .filter(({ type }) => type.startsWith("kubernetes:"))
    .map(({ name, inputs }) => {
      const metadata = { name: `${name}-00000000`, ...(inputs.metadata as object) };
      return { name, inputs: { ...inputs, metadata } };
    });
  // The namespace and its own policies are not part of any chart.
  return objectsOf(declared, []).objects.filter(
    ({ kind, metadata }) =>
      kind !== "Namespace" && metadata.labels?.["app.kubernetes.io/component"] !== "network-policy",
  );
}

function paired(declared: readonly KubeObject[], rendered: readonly KubeObject[]): Pair[] {
  const component = byName(declared);
  const chart = byName(rendered);
  const names = new Set([...component.keys(), ...chart.keys()]);
  return [...names].map((name) => ({
    name,
    component: component.get(name),
    chart: chart.get(name),
  }));
}

function byName(objects: readonly KubeObject[]): Map<string, unknown> {
  const comparable = objects.map(comparableOf);
  return new Map(comparable.map((object) => [`${object.kind} ${object.metadata.name}`, object]));
}

/** Removes differences by design: the manager, the hash in a ConfigMap's name, the order of variables. */
function comparableOf(object: KubeObject): KubeObject {
  const text = JSON.stringify(object)
    .replaceAll(/"app.kubernetes.io\/managed-by":"[^"]*"/g, '"app.kubernetes.io/managed-by":"us"')
    .replaceAll(/-config-[0-9a-f]{8}"/g, '-config"');
  const one = JSON.parse(text) as KubeObject;
  const { spec } = one as { spec?: { template?: { spec: { containers: [{ env?: Named[] }] } } } };
  for (const { env } of spec?.template?.spec.containers ?? []) {
    env?.sort((a, b) => (a.name < b.name ? -1 : 1));
  }
  return one;
}

type Named = { readonly name: string };
