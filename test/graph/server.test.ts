import assert from "node:assert/strict";

import * as pulumi from "@pulumi/pulumi";

import { McpServer, type McpServerArgs } from "../../components/server";
import { Recorder } from "../support/mocks";
import { promiseOf } from "../support/outputs";

const args: McpServerArgs = {
  name: "tools-mcp",
  namespace: "apps",
  application: "studio",
  source: "bridge",
  image: "registry.example/tools:1.2.3",
  stdio: "tools --verbose",
  port: 8000,
  path: "/mcp",
  startSeconds: 60,
  env: { HOME: "/tmp" },
  secretValues: { TOKEN: "token-secret" },
  files: { "/run/key.json": "TOKEN" },
  writable: ["/data"],
  consumers: [{ name: "web", labels: { app: "studio" } }],
  egress: "cluster",
  imagePullSecrets: ["registry"],
};
const labels = {
  "app.kubernetes.io/name": "tools-mcp",
  "app.kubernetes.io/component": "mcp-server",
  "app.kubernetes.io/part-of": "studio",
  "app.kubernetes.io/managed-by": "mcp-fleet",
  "app.kubernetes.io/version": "1.2.3",
};
const selector = {
  "app.kubernetes.io/name": "tools-mcp",
  "app.kubernetes.io/component": "mcp-server",
};

async function build(changes: Partial<McpServerArgs> = {}): Promise<Recorder> {
  const recorder = await Recorder.install();
  const server = new McpServer("tools-mcp", { ...args, ...changes });
  await Promise.all([promiseOf(server.workload.urn), promiseOf(server.service.urn)]);
  return recorder;
}

describe("McpServer", () => {
  it("makes exactly these objects for a bridge", async () => {
    const recorder = await build();
    const inputs = (type: string): Record<string, unknown> =>
      recorder.one(`kubernetes:${type}`, "tools-mcp").inputs;

    assert.deepEqual(inputs("core/v1:ServiceAccount"), {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { namespace: "apps", name: "tools-mcp", labels },
      automountServiceAccountToken: false,
    });
    assert.deepEqual(inputs("core/v1:Service"), {
      apiVersion: "v1",
      kind: "Service",
      metadata: {
        namespace: "apps",
        name: "tools-mcp",
        labels,
        annotations: { "pulumi.com/skipAwait": "true", "mcp-fleet.dev/mcp-path": "/mcp" },
      },
      spec: {
        type: "ClusterIP",
        selector,
        ports: [{ name: "http", port: 8000, targetPort: "http", protocol: "TCP" }],
      },
    });
    assert.deepEqual(inputs("networking.k8s.io/v1:NetworkPolicy").spec, {
      podSelector: { matchLabels: selector },
      policyTypes: ["Ingress", "Egress"],
      ingress: [
        {
          from: [{ podSelector: { matchLabels: { app: "studio" } } }],
          ports: [{ protocol: "TCP", port: 8000 }],
        },
      ],
      egress: [
        {
          to: [
            {
              namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "kube-system" } },
              podSelector: { matchLabels: { "k8s-app": "kube-dns" } },
            },
          ],
          ports: [
            { protocol: "UDP", port: 53 },
            { protocol: "TCP", port: 53 },
          ],
        },
        { to: [{ podSelector: {} }] },
      ],
    });
    const probe = { httpGet: { path: "/healthz", port: "http" } };
    assert.deepEqual(inputs("apps/v1:Deployment"), {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { namespace: "apps", name: "tools-mcp", labels },
      spec: {
        replicas: 1,
        revisionHistoryLimit: 2,
        progressDeadlineSeconds: 600,
        selector: { matchLabels: selector },
        strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
        template: {
          metadata: { labels },
          spec: {
            automountServiceAccountToken: false,
            enableServiceLinks: false,
            securityContext: {
              runAsNonRoot: true,
              runAsUser: 65532,
              runAsGroup: 65532,
              fsGroup: 65532,
              seccompProfile: { type: "RuntimeDefault" },
            },
            serviceAccountName: "tools-mcp",
            terminationGracePeriodSeconds: 15,
            imagePullSecrets: [{ name: "registry" }],
            containers: [
              {
                name: "mcp-server",
                image: "registry.example/tools:1.2.3",
                imagePullPolicy: "IfNotPresent",
                command: ["supergateway"],
                args: [
                  ...["--stdio", "tools --verbose", "--outputTransport", "streamableHttp"],
                  ...["--port", "8000", "--streamableHttpPath", "/mcp"],
                  ...["--healthEndpoint", "/healthz", "--logLevel", "none"],
                ],
                ports: [{ name: "http", containerPort: 8000, protocol: "TCP" }],
                env: [{ name: "HOME", value: "/tmp" }],
                envFrom: [{ secretRef: { name: "tools-mcp-1a2b3c4d" } }],
                resources: {
                  requests: { cpu: "50m", memory: "128Mi" },
                  limits: { cpu: "1", memory: "512Mi" },
                },
                startupProbe: {
                  ...probe,
                  periodSeconds: 2,
                  timeoutSeconds: 3,
                  failureThreshold: 30,
                },
                readinessProbe: {
                  ...probe,
                  periodSeconds: 5,
                  timeoutSeconds: 3,
                  failureThreshold: 2,
                },
                livenessProbe: {
                  ...probe,
                  periodSeconds: 10,
                  timeoutSeconds: 5,
                  failureThreshold: 3,
                },
                securityContext: {
                  allowPrivilegeEscalation: false,
                  readOnlyRootFilesystem: true,
                  runAsNonRoot: true,
                  capabilities: { drop: ["ALL"] },
                },
                lifecycle: { preStop: { sleep: { seconds: 5 } } },
                volumeMounts: [
                  { name: "tmp", mountPath: "/tmp" },
                  { name: "writable-1", mountPath: "/data" },
                  {
                    name: "secret-files",
                    mountPath: "/run/key.json",
                    subPath: "TOKEN",
                    readOnly: true,
                  },
                ],
              },
            ],
            volumes: [
              { name: "tmp", emptyDir: {} },
              { name: "writable-1", emptyDir: {} },
              {
                name: "secret-files",
                secret: { secretName: "tools-mcp-1a2b3c4d", defaultMode: 0o440 },
              },
            ],
          },
        },
      },
    });
    const kinds = recorder.resources.map((one) => one.type).sort();
    assert.deepEqual(kinds, [
      "kubernetes:apps/v1:Deployment",
      "kubernetes:core/v1:Secret",
      "kubernetes:core/v1:Service",
      "kubernetes:core/v1:ServiceAccount",
      "kubernetes:networking.k8s.io/v1:NetworkPolicy",
      McpServer.type,
    ]);
  });

  it("gives up a rollout in the time that its pods may take, and not only at the engine's own limit", async () => {
    const timeout = async (changes: Partial<McpServerArgs>): Promise<string | undefined> => {
      const { registrations } = await build(changes);
      return registrations.find(({ type }) => type.endsWith(":Deployment"))?.updateTimeout;
    };
    assert.equal(await timeout({}), "630s");
    assert.equal(await timeout({ rolloutSeconds: 60, replicas: 3 }), "210s");
    const autoscaling = { minReplicas: 2, maxReplicas: 4, cpuPercent: 70 };
    assert.equal(await timeout({ rolloutSeconds: 60, autoscaling }), "270s");
  });

  it("keeps secret values marked, leaves the Secret's name to the engine, and names it to the pods", async () => {
    const recorder = await build();
    const { inputs } = recorder.one("kubernetes:core/v1:Secret", "tools-mcp");
    assert.ok(pulumi.runtime.isRpcSecret(inputs.stringData));
    assert.equal((inputs.metadata as { name?: string }).name, undefined);
    const rest = recorder.resources.filter((one) => one.type !== "kubernetes:core/v1:Secret");
    assert.ok(!JSON.stringify(rest).includes("token-secret"));
  });

  it("uses an existing Secret without making one", async () => {
    const recorder = await build({ secretValues: undefined, secret: "github-token" });
    assert.deepEqual(recorder.of("kubernetes:core/v1:Secret"), []);
    const { inputs } = recorder.one("kubernetes:apps/v1:Deployment", "tools-mcp");
    assert.match(JSON.stringify(inputs), /"envFrom":\[\{"secretRef":\{"name":"github-token"\}\}\]/);
  });

  it("applies transforms last: a function, or an object merged deeply", async () => {
    const recorder = await build({
      transform: {
        service: { metadata: { annotations: { team: "tools" } } },
        deployment: (deployment) => ({
          ...deployment,
          metadata: { ...(deployment.metadata as object), annotations: { team: "tools" } },
        }),
      },
    });
    const service = recorder.one("kubernetes:core/v1:Service", "tools-mcp").inputs;
    assert.deepEqual((service.metadata as { annotations: unknown }).annotations, {
      "pulumi.com/skipAwait": "true",
      "mcp-fleet.dev/mcp-path": "/mcp",
      team: "tools",
    });
    assert.equal((service.metadata as { name: unknown }).name, "tools-mcp");
    const deployment = recorder.one("kubernetes:apps/v1:Deployment", "tools-mcp").inputs;
    assert.deepEqual((deployment.metadata as { annotations: unknown }).annotations, {
      team: "tools",
    });
  });

  it("refuses a transform that weakens the pod and names the field", async () => {
    await Recorder.install();
    const weak = { spec: { template: { spec: { enableServiceLinks: true } } } };
    assert.throws(
      () => new McpServer("tools-mcp", { ...args, transform: { deployment: weak } }),
      /McpServer tools-mcp: \[transform.deployment\].*enableServiceLinks/,
    );
    const root = {
      spec: { template: { spec: { containers: [{ name: "x", securityContext: {} }] } } },
    };
    assert.throws(
      () => new McpServer("tools-mcp", { ...args, transform: { deployment: root } }),
      /containers\[x\]\.securityContext\.readOnlyRootFilesystem/,
    );
  });

  it("refuses a name that is no Service name", async () => {
    await Recorder.install();
    assert.throws(
      () => new McpServer("x", { ...args, name: "Tools_MCP" }),
      /"Tools_MCP" cannot be a Service name/,
    );
  });
});
