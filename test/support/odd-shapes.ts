import type * as k8s from "@kubernetes/client-node";
import type { ServerState } from "@mcp-fleet/lifecycle";

/** What a pod of a shape does; all but `serves` and `sleeps` keep it from being ready. */
export type Doing =
  "serves" | "sleeps" | "waits" | "init-crash" | "crash" | "no-image" | "no-node" | "nothing";

/** A server from other people's manifests, and the expected output of every command. */
export interface OddShape {
  /** As `list` shows it. */
  readonly name: string;
  /** What is unusual about it. */
  readonly what: string;
  readonly doing: Doing;
  readonly workload: k8s.V1Deployment | k8s.V1StatefulSet;
  /** Services and autoscalers. */
  readonly around: readonly k8s.KubernetesObject[];
  /** The Services that route to its pods, the one to call first. */
  readonly services: readonly string[];
  /** Host, port and path of the one to call; absent for a server that no client reaches. */
  readonly call?: string;
  /** Its name in a client's file, if it differs. */
  readonly client?: string;
  readonly status: ServerState;
  /** One for each line about an obstacle. */
  readonly obstacles: readonly RegExp[];
  /** What keeps its pods from being ready. */
  readonly trouble?: RegExp;
  /** The failing container's output. */
  readonly said?: RegExp;
  /**
   * The error of `scale <name> 7`.
   * @default it succeeds
   */
  readonly noScale?: RegExp;
  /**
   * The error of `restart <name>`.
   * @default it succeeds
   */
  readonly noRestart?: RegExp;
}

/** The images of the shapes' pods. */
export interface OddImages {
  /** An MCP server on the port of its variable PORT, at /mcp; with a shell. */
  readonly server: string;
}

const servingPort = 9020;
const noImage = "mcp-fleet.invalid/no-such-image:2";
const component = { "app.kubernetes.io/component": "mcp-server" };

interface Written {
  readonly kind?: "StatefulSet";
  readonly doing?: Doing;
  readonly replicas?: number;
  /** Of the container; unnamed if this is. */
  readonly portName?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly spec?: object;
}

/** The shapes, as objects of a namespace. */
export function oddShapes(namespace: string, images: OddImages): OddShape[] {
  const workload = (name: string, written: Written = {}): OddShape["workload"] => {
    const { kind = "Deployment", doing = "sleeps", replicas = 1, spec = {} } = written;
    const labels = { app: name, kind: kind.toLowerCase(), ...written.labels };
    return {
      ...{ apiVersion: "apps/v1", kind },
      metadata: { name, namespace, labels: component },
      spec: {
        ...{ replicas, selector: { matchLabels: labels } },
        ...(kind === "StatefulSet" ? { serviceName: name } : {}),
        template: { metadata: { labels }, spec: podOf(doing, images, written.portName) },
        ...spec,
      },
    };
  };
  const service = (
    name: string,
    ports: k8s.V1ServicePort[],
    spec: Partial<k8s.V1ServiceSpec> = {},
    annotations?: Record<string, string>,
  ): k8s.V1Service => ({
    ...{ apiVersion: "v1", kind: "Service" },
    metadata: { name, namespace, ...(annotations === undefined ? {} : { annotations }) },
    spec: { selector: { app: name }, ports, ...spec },
  });
  const at = (name: string, port: number, path = "/mcp"): string =>
    `${name}.${namespace}.svc.cluster.local:${port}${path}`;
  const plain = (port = 80): k8s.V1ServicePort => ({ port, targetPort: servingPort });
  const to = (name: string): Partial<k8s.V1ServiceSpec> => ({ selector: { app: name } });
  const settled = { doing: "sleeps", status: "running", obstacles: [] } as const;

  return [
    {
      ...settled,
      ...{ name: "plain", what: "one Service, one port", doing: "serves" },
      workload: workload("plain", { doing: "serves" }),
      around: [service("plain", [plain()])],
      ...{ services: ["plain"], call: at("plain", 80) },
    },
    {
      ...settled,
      ...{ name: "several", what: "a Service for metrics and a headless one beside its own" },
      doing: "serves",
      workload: workload("several", { doing: "serves" }),
      around: [
        service("a-metrics", [{ name: "metrics", port: 9090 }], to("several")),
        service("b-pods", [plain()], { ...to("several"), clusterIP: "None" }),
        service("several-gateway", [plain()], to("several")),
      ],
      services: ["several-gateway", "b-pods", "a-metrics"],
      call: at("several-gateway", 80),
    },
    {
      ...settled,
      ...{ name: "udp-first", what: "a UDP port before the one for MCP", doing: "serves" },
      workload: workload("udp-first", { doing: "serves" }),
      around: [
        service("udp-first", [
          { name: "dns", port: 53, protocol: "UDP" },
          { name: "main", ...plain(8080) },
        ]),
      ],
      ...{ services: ["udp-first"], call: at("udp-first", 8080) },
    },
    {
      ...settled,
      ...{ name: "metrics-first", what: "a metrics port before the one named for MCP" },
      workload: workload("metrics-first"),
      around: [
        service("metrics-first", [
          { name: "http-metrics", port: 9090 },
          { name: "http", port: 8080 },
          { name: "mcp", ...plain(8000) },
        ]),
      ],
      ...{ services: ["metrics-first"], call: at("metrics-first", 8000) },
    },
    {
      ...settled,
      ...{ name: "named-target", what: "a target port by its name", doing: "serves" },
      workload: workload("named-target", { doing: "serves", portName: "mcp-http" }),
      around: [service("named-target", [{ port: 443, targetPort: "mcp-http" }])],
      ...{ services: ["named-target"], call: at("named-target", 443) },
    },
    {
      ...settled,
      ...{ name: "no-target", what: "a target port whose name no container has" },
      workload: workload("no-target", { portName: "web" }),
      around: [service("no-target", [{ port: 80, targetPort: "mcp" }])],
      services: ["no-target"],
      obstacles: [
        /^Service no-target leads to the container port "mcp", which its pods do not have$/,
      ],
    },
    {
      ...settled,
      ...{ name: "two-ports", what: "two ports that might be meant" },
      workload: workload("two-ports"),
      around: [
        service(
          "two-ports",
          ["one", "two"].map((name, at) => ({ name, ...plain(8001 + at) })),
        ),
      ],
      ...{ services: ["two-ports"], call: at("two-ports", 8001) },
      obstacles: [
        /^Service two-ports has ports 8001, 8002 .* 8001 is taken; its annotation mcp-fleet\.dev\/mcp-port/,
      ],
    },
    {
      ...settled,
      ...{ name: "annotated", what: "the port and the path by annotation" },
      workload: workload("annotated"),
      around: [
        service(
          "annotated",
          ["one", "two"].map((name, at) => ({ name, ...plain(8001 + at) })),
          {},
          {
            "mcp-fleet.dev/mcp-port": "two",
            "mcp-fleet.dev/mcp-path": "/api/mcp/",
          },
        ),
      ],
      ...{ services: ["annotated"], call: at("annotated", 8002, "/api/mcp/") },
    },
    {
      ...settled,
      ...{ name: "metrics-only", what: "a Service that carries metrics only" },
      workload: workload("metrics-only"),
      around: [service("metrics-only", [{ name: "metrics", port: 9090 }])],
      services: ["metrics-only"],
      obstacles: [/^Service metrics-only has no port that could carry MCP \(TCP 9090 metrics\)$/],
    },
    {
      ...settled,
      ...{ name: "headless", what: "a headless Service: its name leads to the pods' own port" },
      workload: workload("headless"),
      around: [service("headless", [plain()], { clusterIP: "None" })],
      ...{ services: ["headless"], call: at("headless", servingPort) },
    },
    {
      ...settled,
      ...{ name: "external", what: "an ExternalName of the server's name, with a selector" },
      workload: workload("external"),
      around: [
        service("external", [plain()], { type: "ExternalName", externalName: "mcp.example.com" }),
      ],
      services: [],
      obstacles: [
        /^no Service selects its pods; Service external is an ExternalName for mcp\.example\.com$/,
      ],
    },
    {
      ...settled,
      ...{ name: "by-hand", what: "a Service without selector" },
      workload: workload("by-hand"),
      around: [service("by-hand", [plain()], { selector: undefined })],
      services: [],
      obstacles: [/^no Service selects its pods; Service by-hand has no selector/],
    },
    {
      ...settled,
      ...{ name: "alone", what: "no Service at all" },
      workload: workload("alone"),
      ...{ around: [], services: [] },
      obstacles: [/^no Service selects its pods, so no client reaches it$/],
    },
    ...["blue", "green"].map((name): OddShape => {
      const other = name === "blue" ? "green" : "blue";
      return {
        ...settled,
        ...{ name, what: `two Deployments behind one Service: ${name}` },
        workload: workload(name, { labels: { site: "shop" } }),
        around: [service("shop", [plain()], { selector: { site: "shop" } })],
        ...{ services: ["shop"], call: at("shop", 80), client: "shop" },
        obstacles: [new RegExp(`^Service shop leads to pods of deployment/${other} too`)],
      };
    }),
    {
      ...settled,
      ...{ name: "paused", what: "a paused Deployment", doing: "nothing", status: "pending" },
      workload: workload("paused", { spec: { paused: true } }),
      around: [service("paused", [plain()])],
      ...{ services: ["paused"], call: at("paused", 80) },
      obstacles: [/^its rollout is paused, until: kubectl rollout resume deployment\/paused -n /],
      noRestart: /is paused, so it would get no new pods\.\n.*kubectl rollout resume/,
    },
    {
      ...settled,
      ...{ name: "scaled", what: "a HorizontalPodAutoscaler" },
      workload: workload("scaled", { replicas: 2 }),
      around: [
        service("scaled", [plain()]),
        {
          ...{ apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler" },
          metadata: { name: "scaled-by-load", namespace },
          spec: {
            scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "scaled" },
            ...{ minReplicas: 2, maxReplicas: 4 },
          },
        } as k8s.V2HorizontalPodAutoscaler,
      ],
      ...{ services: ["scaled"], call: at("scaled", 80) },
      obstacles: [/^HorizontalPodAutoscaler scaled-by-load keeps it at 2 to 4 replicas and undoes/],
      noScale:
        /keeps Deployment \S+\/scaled at 2 to 4 replicas and would undo 7\.\n.*kubectl patch hpa scaled-by-load -n \S+ --type merge -p '\{"spec":\{"maxReplicas":7\}\}'/,
    },
    {
      ...settled,
      ...{ name: "waiting", what: "an init container at work", doing: "waits", status: "pending" },
      workload: workload("waiting", { doing: "waits" }),
      around: [service("waiting", [plain()])],
      ...{ services: ["waiting"], call: at("waiting", 80) },
      trouble: /^pod waiting-\S+ waits for its init container wait-for-db, which is running$/,
      said: /^waiting for the database at postgres:\/\/\*\*\*@db/,
    },
    {
      ...settled,
      ...{ name: "init-crash", what: "an init container that crashes", doing: "init-crash" },
      status: "failed",
      workload: workload("init-crash", { doing: "init-crash" }),
      around: [service("init-crash", [plain()])],
      ...{ services: ["init-crash"], call: at("init-crash", 80) },
      trouble:
        /^pod init-crash-\S+ (is in CrashLoopBackOff|crashes): its init container wait-for-db .*exit code 3 \(Error\)$/,
      said: /^no license found$/,
    },
    {
      ...settled,
      ...{ name: "crash", what: "a container that crashes", doing: "crash", status: "failed" },
      workload: workload("crash", { doing: "crash" }),
      around: [service("crash", [plain()])],
      ...{ services: ["crash"], call: at("crash", 80) },
      trouble:
        /^pod crash-\S+ (is in CrashLoopBackOff|crashes): its container server .*exit code 1 \(Error\)$/,
      said: /^cannot read \/etc\/config$/,
    },
    {
      ...settled,
      ...{ name: "no-image", what: "an image that is not there", doing: "no-image" },
      status: "failed",
      workload: workload("no-image", { doing: "no-image" }),
      around: [service("no-image", [plain()])],
      ...{ services: ["no-image"], call: at("no-image", 80) },
      trouble:
        /^pod no-image-\S+ cannot pull its image mcp-fleet\.invalid\S+ \((ErrImagePull|ImagePullBackOff)/,
    },
    {
      ...settled,
      ...{ name: "no-node", what: "a node that is not there", doing: "no-node", status: "failed" },
      workload: workload("no-node", { doing: "no-node" }),
      around: [service("no-node", [plain()])],
      ...{ services: ["no-node"], call: at("no-node", 80) },
      trouble: /^pod no-node-\S+ cannot be scheduled \(Unschedulable: /,
    },
    {
      ...settled,
      ...{ name: "kept", what: "a StatefulSet, with its headless Service", doing: "serves" },
      workload: workload("kept", { kind: "StatefulSet", doing: "serves" }),
      around: [
        service("kept", [plain()], { clusterIP: "None" }),
        service("kept-http", [plain()], to("kept")),
      ],
      ...{ services: ["kept-http", "kept"], call: at("kept-http", 80) },
    },
    {
      ...settled,
      ...{ name: "on-delete", what: "a StatefulSet whose pods are replaced by hand" },
      workload: workload("on-delete", {
        kind: "StatefulSet",
        spec: { updateStrategy: { type: "OnDelete" } },
      }),
      around: [service("on-delete", [plain()])],
      ...{ services: ["on-delete"], call: at("on-delete", 80) },
      obstacles: [
        /^its pods get a new template only when somebody deletes them \(updateStrategy OnDelete\)$/,
      ],
      noRestart:
        /replaces pods only when somebody deletes them .*\n.*kubectl delete pods -n \S+ -l 'app=on-delete/,
    },
    {
      ...settled,
      ...{ name: "held-back", what: "a StatefulSet with a partition" },
      workload: workload("held-back", {
        kind: "StatefulSet",
        replicas: 2,
        spec: { updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 1 } } },
      }),
      around: [service("held-back", [plain()])],
      ...{ services: ["held-back"], call: at("held-back", 80) },
      obstacles: [/^its pods before number 1 keep the template of before/],
    },
    ...(["Deployment", "StatefulSet"] as const).map((kind): OddShape => {
      const lower = kind.toLowerCase();
      return {
        ...settled,
        ...{ name: `${lower}/twin`, what: `a ${kind} of the same name as another kind's` },
        workload: workload("twin", kind === "StatefulSet" ? { kind } : {}),
        around: [service(`twin-${lower}`, [plain()], { selector: { app: "twin", kind: lower } })],
        ...{ services: [`twin-${lower}`], call: at(`twin-${lower}`, 80), client: `${lower}-twin` },
      };
    }),
    {
      ...settled,
      ...{ name: "zero", what: "scaled to zero", doing: "nothing", status: "stopped" },
      workload: workload("zero", { replicas: 0 }),
      around: [service("zero", [plain()])],
      ...{ services: ["zero"], call: at("zero", 80) },
    },
  ];
}

function podOf(doing: Doing, { server }: OddImages, portName: string | undefined): k8s.V1PodSpec {
  const shell = (script: string): Partial<k8s.V1Container> => ({ command: ["sh", "-c", script] });
  const container: k8s.V1Container = {
    ...{ name: "server", image: doing === "no-image" ? noImage : server },
    imagePullPolicy: "IfNotPresent",
    env: [{ name: "PORT", value: String(servingPort) }],
    ports: [{ containerPort: servingPort, ...(portName === undefined ? {} : { name: portName }) }],
    ...(doing === "serves"
      ? { readinessProbe: { tcpSocket: { port: servingPort }, periodSeconds: 1 } }
      : shell(doing === "crash" ? "echo 'cannot read /etc/config'; exit 1" : "sleep infinity")),
  };
  const inits: Partial<Record<Doing, string>> = {
    waits: "echo 'waiting for the database at postgres://me:s3cret@db/x'; sleep infinity",
    "init-crash": "echo 'no license found'; exit 3",
  };
  const init = inits[doing];
  return {
    terminationGracePeriodSeconds: 1,
    ...(doing === "no-node" ? { nodeSelector: { "mcp-fleet.dev/no-such": "node" } } : {}),
    ...(init === undefined
      ? {}
      : { initContainers: [{ name: "wait-for-db", image: server, ...shell(init) }] }),
    containers: [container],
  };
}
