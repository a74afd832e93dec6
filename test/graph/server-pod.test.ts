import assert from "node:assert/strict";

import { restrictedProblems } from "../../components/core";
import { McpServer, type McpServerArgs } from "../../components/server";
import { Recorder } from "../support/mocks";
import { promiseOf } from "../support/outputs";

type Fields = Record<string, unknown>;

const args: McpServerArgs = {
  ...{ name: "tools-mcp", namespace: "apps", application: "studio", port: 8000 },
  ...{
    image: "registry.example/tools:1.2.3",
    consumers: [{ name: "web", labels: { app: "web" } }],
  },
};

interface Made {
  readonly recorder: Recorder;
  readonly deployment: { spec: Fields & { template: { metadata: Fields; spec: Fields } } };
  readonly pod: Fields & { containers: Fields[]; volumes: Fields[]; initContainers?: Fields[] };
}

async function make(more: Partial<McpServerArgs>): Promise<Made> {
  const recorder = await Recorder.install();
  const server = new McpServer("tools-mcp", { ...args, ...more });
  await Promise.all([promiseOf(server.workload.urn), promiseOf(server.service.urn)]);
  const { inputs } = recorder.one("kubernetes:apps/v1:Deployment", "tools-mcp");
  const deployment = inputs as unknown as Made["deployment"];
  const { template } = deployment.spec;
  assert.deepEqual(restrictedProblems(template), [], "the pod is weaker than restricted");
  return { recorder, deployment, pod: template.spec as Made["pod"] };
}

const policyOf = (recorder: Recorder): { ingress: Fields[]; egress: Fields[] } =>
  recorder.one("kubernetes:networking.k8s.io/v1:NetworkPolicy", "tools-mcp").inputs.spec as never;

describe("the gate of a server's pod", () => {
  const gateOf = ({ pod }: Made): Fields | undefined =>
    pod.initContainers?.find(({ name }) => name === "mcp-gate");
  const told = (made: Made): { target: Fields; port: number } => {
    const env = gateOf(made)?.env as { name: string; value: string }[];
    return JSON.parse(env.find(({ name }) => name === "MCP_PROBE_GATE")?.value ?? "") as never;
  };
  const gateImage = "registry.example/mcp-probe:0.1.0";

  it("is there where it is asked for, and comes before other sidecars", async () => {
    assert.equal(gateOf(await make({ gateImage })), undefined);
    const sidecars = [{ name: "proxy", image: "registry.example/proxy:1.0.0" }];
    const { pod } = await make({ gateImage, gate: "start", sidecars });
    assert.deepEqual(
      pod.initContainers?.map(({ name, restartPolicy }) => [name, restartPolicy]),
      [
        ["mcp-gate", "Always"],
        ["proxy", "Always"],
      ],
    );
    await assert.rejects(make({ gate: "start" }), /the gate has no image\./);
  });

  it("has a port that nobody else in the pod has, and that no policy opens", async () => {
    const made = await make({ gateImage, gate: "start", ports: { admin: { port: 9901 } } });
    assert.equal(told(made).port, 9902);
    const { ingress } = policyOf(made.recorder);
    const open = ingress.flatMap(({ ports }) => (ports as Fields[]).map(({ port }) => port));
    assert.ok(!open.includes(9902), String(open));
  });

  it("has no credential: of a server that wants one, its refusal will do", async () => {
    const headers = { Authorization: { secret: "tools-token", key: "token" } };
    assert.equal(told(await make({ gateImage, gate: "start" })).target.auth, "none");
    assert.equal(
      told(await make({ gateImage, gate: "start", headers })).target.auth,
      "per-request",
    );
  });

  it("has the authority of the server's certificate, and of that object nothing else", async () => {
    const tls = { ca: { secret: "tools-tls", key: "ca.crt" } };
    const made = await make({ gateImage, gate: "start", tls });
    assert.equal((told(made).target as { caFile?: string }).caFile, "/authority/ca.crt");
    const mounts = gateOf(made)?.volumeMounts as Fields[];
    assert.deepEqual(
      mounts.map(({ mountPath, readOnly }) => [mountPath, readOnly]),
      [["/authority", true]],
    );
    const volumes = made.pod.volumes as { name: string; secret?: Fields }[];
    assert.deepEqual(volumes.find(({ name }) => name === "mcp-gate")?.secret?.items, [
      { key: "ca.crt", path: "ca.crt" },
    ]);
  });

  it("is what restarts the server only where it is given the time for that", async () => {
    const liveness = async (gate: McpServerArgs["gate"]): Promise<unknown> =>
      ((await make({ gateImage, gate })).pod.containers[0]?.livenessProbe as Fields).httpGet;
    assert.equal(await liveness("always"), undefined);
    assert.deepEqual(await liveness({ check: "always", restartSeconds: 60 }), {
      path: "/live",
      port: 9901,
    });
  });
});

describe("what a server's pod has beside the server", () => {
  it("variables from a field, from a resource and in Kubernetes' own form", async () => {
    const { pod } = await make({
      env: {
        NODE: { field: "spec.nodeName" },
        MEMORY: { resource: "limits.memory", divisor: "1Mi" },
        PASSWORD: { valueFrom: { secretKeyRef: { name: "db.login", key: "password" } } },
        MODE: {
          valueFrom: { configMapKeyRef: { name: "app.config", key: "mode", optional: true } },
        },
        POD: { valueFrom: { fieldRef: { apiVersion: "v1", fieldPath: "metadata.name" } } },
      },
    });
    assert.deepEqual(pod.containers[0]?.env, [
      { name: "NODE", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
      {
        name: "MEMORY",
        valueFrom: { resourceFieldRef: { resource: "limits.memory", divisor: "1Mi" } },
      },
      { name: "PASSWORD", valueFrom: { secretKeyRef: { name: "db.login", key: "password" } } },
      {
        name: "MODE",
        valueFrom: { configMapKeyRef: { name: "app.config", key: "mode", optional: true } },
      },
      { name: "POD", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
    ]);
  });

  it("files of Secrets and ConfigMaps, volumes of every kind, and a new pod that waits for the claim", async () => {
    const { pod, deployment } = await make({
      secret: "tools-login",
      files: {
        "/run/token": "TOKEN",
        "/etc/ca.crt": { configMap: "search-ca", key: "ca.crt" },
        "/etc/tls.key": { secret: "tls.pair", key: "tls.key" },
      },
      volumes: {
        data: { claim: "tools-data", mount: "/data" },
        shm: { emptyDir: { memory: true, sizeLimit: "64Mi" }, mount: "/dev/shm" },
        config: { secret: "tools-config", mount: "/config", readOnly: true },
      },
    });
    assert.deepEqual(pod.volumes, [
      { name: "tmp", emptyDir: {} },
      { name: "secret-files", secret: { secretName: "tools-login", defaultMode: 0o440 } },
      { name: "file-1", configMap: { name: "search-ca" } },
      { name: "file-2", secret: { secretName: "tls.pair", defaultMode: 0o440 } },
      { name: "data", persistentVolumeClaim: { claimName: "tools-data" } },
      { name: "shm", emptyDir: { medium: "Memory", sizeLimit: "64Mi" } },
      { name: "config", secret: { secretName: "tools-config", defaultMode: 0o440 } },
    ]);
    assert.deepEqual(pod.containers[0]?.volumeMounts, [
      { name: "tmp", mountPath: "/tmp" },
      { name: "secret-files", mountPath: "/run/token", subPath: "TOKEN", readOnly: true },
      { name: "file-1", mountPath: "/etc/ca.crt", subPath: "ca.crt", readOnly: true },
      { name: "file-2", mountPath: "/etc/tls.key", subPath: "tls.key", readOnly: true },
      { name: "data", mountPath: "/data" },
      { name: "shm", mountPath: "/dev/shm" },
      { name: "config", mountPath: "/config", readOnly: true },
    ]);
    assert.deepEqual(deployment.spec.strategy, { type: "Recreate" });
  });

  it("sidecars that start before everything else, and init containers, each as closed as the server", async () => {
    const { pod } = await make({
      volumes: { data: { emptyDir: {}, mount: "/data" } },
      sidecars: [{ name: "proxy", image: "registry.example/proxy:2", args: [5432] }],
      initContainers: [
        {
          ...{ name: "migrate", image: "registry.example/tools:1.2.3", command: ["migrate"] },
          ...{ mounts: { data: "/data" }, writable: ["/work"], env: { MODE: "once" } },
        },
      ],
    });
    const closed = {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      capabilities: { drop: ["ALL"] },
    };
    const [proxy, migrate] = pod.initContainers ?? [];
    assert.deepEqual(
      [proxy?.name, proxy?.restartPolicy, proxy?.args, proxy?.securityContext],
      ["proxy", "Always", ["5432"], closed],
    );
    assert.deepEqual(
      [migrate?.name, migrate?.restartPolicy, migrate?.securityContext, migrate?.env],
      ["migrate", undefined, closed, [{ name: "MODE", value: "once" }]],
    );
    assert.deepEqual(migrate?.volumeMounts, [
      { name: "migrate-tmp", mountPath: "/tmp" },
      { name: "migrate-writable-1", mountPath: "/work" },
      { name: "data", mountPath: "/data" },
    ]);
    assert.equal(pod.containers.length, 1);
  });

  it("more ports, which nobody may call but those that are named", async () => {
    const { pod, recorder } = await make({
      ports: { metrics: { port: 9090, from: [{ namespace: "monitoring" }] }, debug: 6060 },
    });
    assert.deepEqual(pod.containers[0]?.ports, [
      { name: "http", containerPort: 8000, protocol: "TCP" },
      { name: "metrics", containerPort: 9090, protocol: "TCP" },
      { name: "debug", containerPort: 6060, protocol: "TCP" },
    ]);
    const service = recorder.one("kubernetes:core/v1:Service", "tools-mcp").inputs.spec as Fields;
    assert.deepEqual(service.ports, [
      { name: "http", port: 8000, targetPort: "http", protocol: "TCP" },
      { name: "metrics", port: 9090, targetPort: "metrics", protocol: "TCP" },
      { name: "debug", port: 6060, targetPort: "debug", protocol: "TCP" },
    ]);
    const namespaceSelector = { matchLabels: { "kubernetes.io/metadata.name": "monitoring" } };
    assert.deepEqual(policyOf(recorder).ingress, [
      {
        from: [{ podSelector: { matchLabels: { app: "web" } } }],
        ports: [{ protocol: "TCP", port: 8000 }],
      },
      { from: [{ namespaceSelector }], ports: [{ protocol: "TCP", port: 9090 }] },
    ]);
  });

  it("user and group, nodes, hosts, labels, devices, and probes by command or by HTTPS", async () => {
    const affinity = { podAntiAffinity: {} };
    const { pod, deployment } = await make({
      ...{ user: 1000, group: 2000, affinity, health: { exec: ["/bin/check", "--live"] } },
      hostAliases: [{ ip: "10.0.0.1", hostnames: ["db.example.com"] }],
      podLabels: { team: "tools" },
      podAnnotations: { "example.com/note": "x" },
      resources: { limits: { "nvidia.com/gpu": 1, "ephemeral-storage": "2Gi", cpu: 1 } },
    });
    const context = pod.securityContext as Fields;
    assert.deepEqual(
      [context.runAsUser, context.runAsGroup, context.fsGroup, pod.affinity],
      [1000, 2000, 2000, affinity],
    );
    assert.deepEqual(pod.hostAliases, [{ ip: "10.0.0.1", hostnames: ["db.example.com"] }]);
    const [server] = pod.containers;
    assert.deepEqual(server?.resources, {
      limits: { "nvidia.com/gpu": "1", "ephemeral-storage": "2Gi", cpu: "1" },
    });
    assert.deepEqual((server?.livenessProbe as Fields).exec, { command: ["/bin/check", "--live"] });
    const { metadata } = deployment.spec.template;
    const labels = metadata.labels as Fields;
    // What selectors rest on is not anybody's to change.
    assert.deepEqual([labels.team, labels["app.kubernetes.io/name"]], ["tools", "tools-mcp"]);
    assert.equal((metadata.annotations as Fields)["example.com/note"], "x");

    const https = await make({ health: { path: "/live", https: true } });
    assert.deepEqual((https.pod.containers[0]?.readinessProbe as Fields).httpGet, {
      ...{ path: "/live", port: "http", scheme: "HTTPS" },
    });
  });

  it("rights by the Kubernetes API, with a token that ends and a way to the API server", async () => {
    const rules = [{ resources: ["pods"], verbs: ["get", "list"] }];
    const { pod, recorder } = await make({
      serviceAccount: { annotations: { "iam.example/role": "tools" }, rules },
    });
    const account = recorder.one("kubernetes:core/v1:ServiceAccount", "tools-mcp").inputs;
    assert.deepEqual((account.metadata as Fields).annotations, { "iam.example/role": "tools" });
    const role = recorder.one("kubernetes:rbac.authorization.k8s.io/v1:Role", "tools-mcp").inputs;
    assert.deepEqual(role.rules, [{ apiGroups: [""], ...rules[0] }]);
    recorder.one("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", "tools-mcp");
    assert.match(JSON.stringify(pod.volumes), /serviceAccountToken/);
    assert.equal(pod.automountServiceAccountToken, false);
    assert.match(JSON.stringify(policyOf(recorder).egress), /"port":6443/);
  });

  it("no token without rights, and somebody else's account as it is", async () => {
    const { pod, recorder } = await make({ serviceAccount: "tools-identity" });
    assert.equal(pod.serviceAccountName, "tools-identity");
    assert.deepEqual(recorder.of("kubernetes:core/v1:ServiceAccount"), []);
    assert.ok(!JSON.stringify(pod.volumes).includes("serviceAccountToken"));
    assert.ok(!JSON.stringify(policyOf(recorder).egress).includes("6443"));
  });

  it("a stdio server as words, which the bridge's shell reads as they are", async () => {
    const { pod } = await make({ source: "bridge", stdio: ["run it", "--say", "it's $HOME"] });
    const list = pod.containers[0]?.args as string[];
    assert.equal(list[1], `'run it' '--say' 'it'\\''s $HOME'`);
    // What the kubelet makes `$(TOKEN)` of again, whatever TOKEN is.
    const { pod: literal } = await make({ source: "bridge", stdio: ["run", "$(TOKEN) $$(X)"] });
    assert.equal((literal.containers[0]?.args as string[])[1], "'run' '$$(TOKEN) $$$$(X)'");
  });

  it("is refused without what its source reads, and with what it does not", async () => {
    await Recorder.install();
    const refused = (more: Partial<McpServerArgs>, said: RegExp): void =>
      assert.throws(() => new McpServer("tools-mcp", { ...args, ...more }), said);
    refused({ source: "bridge" }, /McpServer tools-mcp: \[stdio\] is missing/);
    refused({ stdio: "tools" }, /\[stdio\] has no effect on a server of source "image"/);
    refused({ source: "code" }, /\[code\] is missing/);
  });

  it("has the Python files of a directory in its ConfigMap, as a stack's server", async () => {
    const { recorder } = await make({ source: "code", code: { directory: "examples/code" } });
    const { data } = recorder.one("kubernetes:core/v1:ConfigMap", "tools-mcp-code").inputs;
    assert.deepEqual(Object.keys(data as Fields), ["server.py"]);
  });

  it("is refused by the first key that is wrong, with where it is explained", async () => {
    await Recorder.install();
    assert.throws(
      () => new McpServer("tools-mcp", { ...args, user: 0 }),
      /McpServer tools-mcp: \[user\] must be above 0: no server runs as root/,
    );
  });
});

describe("a transform of lists", () => {
  const sidecar = {
    ...{ name: "extra", image: "registry.example/extra:1" },
    securityContext: {
      ...{ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true },
      capabilities: { drop: ["ALL"] },
    },
  };

  it("adds to them by their items' key, and the server keeps its own", async () => {
    const { pod, deployment, recorder } = await make({
      env: { A: "1", B: "2" },
      transform: {
        deployment: {
          spec: {
            strategy: { type: "Recreate" },
            template: {
              spec: {
                volumes: [
                  { name: "more", emptyDir: {} },
                  { name: "tmp", emptyDir: { medium: "Memory" } },
                ],
                containers: [
                  sidecar,
                  {
                    name: "mcp-server",
                    env: [
                      { name: "B", value: "3" },
                      { name: "A", $patch: "delete" },
                    ],
                    volumeMounts: [{ name: "more", mountPath: "/more" }],
                    ports: [{ name: "debug", containerPort: 6060 }],
                  } as never,
                ],
              },
            },
          },
        },
        service: { spec: { ports: [{ name: "debug", port: 6060, targetPort: "debug" }] } },
      },
    });
    assert.deepEqual(
      pod.containers.map(({ name }) => name),
      ["mcp-server", "extra"],
    );
    const [server] = pod.containers;
    assert.deepEqual(server?.env, [{ name: "B", value: "3" }]);
    assert.equal(server?.image, args.image);
    assert.deepEqual(server?.ports, [
      { name: "http", containerPort: 8000, protocol: "TCP" },
      { name: "debug", containerPort: 6060 },
    ]);
    assert.deepEqual(pod.volumes, [
      { name: "tmp", emptyDir: { medium: "Memory" } },
      { name: "more", emptyDir: {} },
    ]);
    assert.deepEqual(deployment.spec.strategy, { type: "Recreate" });
    const service = recorder.one("kubernetes:core/v1:Service", "tools-mcp").inputs.spec as Fields;
    assert.deepEqual(service.ports, [
      { name: "http", port: 8000, targetPort: "http", protocol: "TCP" },
      { name: "debug", port: 6060, targetPort: "debug" },
    ]);
  });

  const gone: Record<string, [McpServerArgs["transform"], RegExp]> = {
    "the server's container": [
      container({ name: "mcp-server", $patch: "delete" }),
      /containers\[mcp-server\] has to be there/,
    ],
    "its port": [
      container({ name: "mcp-server", ports: [{ containerPort: 8000, $patch: "delete" }] }),
      /ports\[http\] has to be there, with the number 8000/,
    ],
    "another number for its port": [
      container({ name: "mcp-server", ports: [{ containerPort: 8000, name: "web" }] }),
      /ports\[http\] has to be there/,
    ],
    "its readiness probe": [
      container({ name: "mcp-server", readinessProbe: null }),
      /readinessProbe has to be there/,
    ],
    "the Service's port": [
      { service: { spec: { ports: [{ port: 8000, targetPort: "web" }] } } },
      /spec\.ports\[http\] has to be there, with the number 8000/,
    ],
  };
  for (const [what, [transform, said]] of Object.entries(gone)) {
    it(`is refused where the server would not be served any more: ${what}`, async () => {
      await Recorder.install();
      assert.throws(
        () =>
          new McpServer("tools-mcp", {
            ...args,
            ...(transform === undefined ? {} : { transform }),
          }),
        said,
      );
    });
  }

  function container(fields: Fields): McpServerArgs["transform"] {
    return { deployment: { spec: { template: { spec: { containers: [fields] } } } } };
  }
});
