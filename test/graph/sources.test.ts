import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { McpServer, type McpServerArgs } from "../../components/server";
import { Recorder } from "../support/mocks";
import { promiseOf } from "../support/outputs";
import { runProgram, type TestConfig } from "../support/resources";

const root = join(__dirname, "..", "..", "..");
const image = "registry.example/python-mcp:3.12";

interface Pod {
  readonly metadata: { readonly annotations?: Record<string, string> };
  readonly spec: Record<string, unknown> & { readonly containers: Record<string, unknown>[] };
}

/** A stack of servers alone. */
function fleet(servers: Record<string, unknown>, secret: Record<string, unknown> = {}): TestConfig {
  const plain = { namespace: "apps", application: "apps", createNamespace: false };
  const alone = { cutover: { enabled: false }, studio: { enabled: false } };
  return { plain: { ...plain, ...alone, servers }, secret };
}

async function podOf(name: string, config: TestConfig): Promise<{ pod: Pod; recorder: Recorder }> {
  const { recorder } = await runProgram(config);
  const { inputs } = recorder.one("kubernetes:apps/v1:Deployment", name);
  return { pod: (inputs.spec as { template: Pod }).template, recorder };
}

describe("a server out of code", () => {
  const code = { files: { "server.py": "app = object()\n", "tools.py": "" } };
  const clock = { source: "code", image, port: 8080, health: "/healthz", code };

  it("mounts a ConfigMap <name>-mcp-code and serves it with uvicorn and its lifespan", async () => {
    const { pod, recorder } = await podOf("clock-mcp", fleet({ clock }));
    const map = recorder.one("kubernetes:core/v1:ConfigMap", "clock-mcp-code").inputs;
    assert.equal((map.metadata as { name: string }).name, "clock-mcp-code");
    assert.deepEqual(map.data, code.files);
    const [container] = pod.spec.containers;
    assert.equal(container?.image, image);
    assert.deepEqual(container?.command, ["python", "-m", "uvicorn"]);
    assert.deepEqual(container?.args, [
      ...["server:app", "--app-dir", "/app", "--host", "0.0.0.0", "--port", "8080"],
      ...["--lifespan", "on", "--timeout-graceful-shutdown", "5"],
    ]);
    assert.deepEqual(container?.env, [
      { name: "PYTHONDONTWRITEBYTECODE", value: "1" },
      { name: "PYTHONUNBUFFERED", value: "1" },
    ]);
    assert.deepEqual(container?.volumeMounts, [
      { name: "tmp", mountPath: "/tmp" },
      { name: "config", mountPath: "/app", readOnly: true },
    ]);
    assert.deepEqual(pod.spec.volumes, [
      { name: "tmp", emptyDir: {} },
      { name: "config", configMap: { name: "clock-mcp-code" } },
    ]);
    const order = (type: string, name: string): number => recorder.one(type, name).order;
    assert.ok(
      order("kubernetes:core/v1:ConfigMap", "clock-mcp-code") <
        order("kubernetes:apps/v1:Deployment", "clock-mcp"),
    );
  });

  it("rolls the pods when the code changes, and only then", async () => {
    const hash = async (files: Record<string, string>): Promise<string> => {
      const server = { ...clock, code: { files } };
      const { pod } = await podOf("clock-mcp", fleet({ clock: server }));
      return pod.metadata.annotations?.["mcp-fleet.dev/code"] ?? "";
    };
    const before = await hash(code.files);
    assert.match(before, /^[0-9a-f]{16}$/);
    assert.equal(await hash({ "tools.py": "", "server.py": "app = object()\n" }), before);
    assert.notEqual(await hash({ ...code.files, "server.py": "app = None\n" }), before);
    assert.notEqual(await hash({ ...code.files, "more.py": "" }), before);
  });

  it("takes the Python files of a directory, seen from Pulumi.yaml", async () => {
    const server = { ...clock, code: { directory: "examples/code" } };
    const { recorder } = await podOf("clock-mcp", fleet({ clock: server }));
    const { data } = recorder.one("kubernetes:core/v1:ConfigMap", "clock-mcp-code").inputs;
    const file = join(root, "examples", "code", "server.py");
    assert.deepEqual(data, { "server.py": readFileSync(file, "utf8") });
  });
});

describe("a server out of another workload's image", () => {
  const command = ["uvicorn", "app.mcp_server:app", "--host", "0.0.0.0", "--port", "8001"];
  const todo = {
    source: "shared",
    name: "mcp-server",
    image: "registry.example/todo-backend:1.4.0",
    command,
    port: 8001,
    health: "/health",
    probes: {
      startup: { initialDelaySeconds: 0, periodSeconds: 5, failureThreshold: 12 },
      readiness: { initialDelaySeconds: 10, periodSeconds: 5, timeoutSeconds: 3 },
      liveness: { initialDelaySeconds: 30, periodSeconds: 10, timeoutSeconds: 5 },
    },
    env: {
      DATABASE_URL: "postgresql://postgres:$(POSTGRES_PASSWORD)@postgres:5432/todo_db",
      LOG_LEVEL: { configMap: "mcp-config", key: "logLevel", optional: true },
      POSTGRES_PASSWORD: { secret: "postgres-secret", key: "POSTGRES_PASSWORD" },
    },
    resources: {
      requests: { memory: "256Mi", cpu: "250m" },
      limits: { memory: "512Mi", cpu: "500m" },
    },
  };

  it("is the todo application's container, the password before the URL that is made of it", async () => {
    const { pod, recorder } = await podOf("mcp-server", fleet({ todo }));
    const [container] = pod.spec.containers;
    const check = { httpGet: { path: "/health", port: "http" } };
    const { securityContext, lifecycle, volumeMounts, ...rest } = container ?? {};
    assert.ok(
      securityContext !== undefined && lifecycle !== undefined && volumeMounts !== undefined,
    );
    assert.deepEqual(rest, {
      name: "mcp-server",
      imagePullPolicy: "IfNotPresent",
      image: todo.image,
      command,
      ports: [{ name: "http", containerPort: 8001, protocol: "TCP" }],
      env: [
        {
          name: "POSTGRES_PASSWORD",
          valueFrom: { secretKeyRef: { name: "postgres-secret", key: "POSTGRES_PASSWORD" } },
        },
        { name: "DATABASE_URL", value: todo.env.DATABASE_URL },
        {
          name: "LOG_LEVEL",
          valueFrom: { configMapKeyRef: { name: "mcp-config", key: "logLevel", optional: true } },
        },
      ],
      resources: todo.resources,
      startupProbe: {
        ...check,
        ...{ initialDelaySeconds: 0, periodSeconds: 5, timeoutSeconds: 3, failureThreshold: 12 },
      },
      readinessProbe: {
        ...check,
        ...{ initialDelaySeconds: 10, periodSeconds: 5, timeoutSeconds: 3, failureThreshold: 2 },
      },
      livenessProbe: {
        ...check,
        ...{ initialDelaySeconds: 30, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 3 },
      },
    });
    assert.deepEqual(recorder.of("kubernetes:core/v1:ConfigMap"), []);
    assert.deepEqual(recorder.of("kubernetes:core/v1:Secret"), []);
  });

  it("takes a password out of the stack's secrets the same way", async () => {
    const env = { DATABASE_URL: "postgresql://todo:$(PASSWORD)@postgres/todo", PRICE: "5 $$(USD)" };
    const config = fleet(
      { todo: { ...todo, env } },
      { serverSecrets: { todo: { PASSWORD: "todo-secret" } } },
    );
    const { pod } = await podOf("mcp-server", config);
    const name = "mcp-server-1a2b3c4d";
    assert.deepEqual(pod.spec.containers[0]?.env, [
      { name: "PASSWORD", valueFrom: { secretKeyRef: { name, key: "PASSWORD" } } },
      { name: "DATABASE_URL", value: env.DATABASE_URL },
      { name: "PRICE", value: "5 $$(USD)" },
    ]);
    assert.ok(!JSON.stringify(pod).includes("todo-secret"));
  });

  it("is left out when it is not enabled", async () => {
    const { recorder } = await runProgram(fleet({ todo: { ...todo, enabled: false } }));
    assert.deepEqual(recorder.of("kubernetes:apps/v1:Deployment"), []);
    assert.deepEqual(recorder.of("kubernetes:core/v1:Service"), []);
  });
});

describe("McpServer's environment", () => {
  const args: McpServerArgs = {
    ...{ name: "x-mcp", namespace: "apps", application: "apps", port: 80 },
    ...{ image, consumers: [] },
  };

  it("keeps its order where nothing refers to anything", async () => {
    const recorder = await Recorder.install();
    const server = new McpServer("x-mcp", { ...args, env: { B: "1", A: "2" } });
    await promiseOf(server.workload.urn);
    const { inputs } = recorder.one("kubernetes:apps/v1:Deployment", "x-mcp");
    assert.match(JSON.stringify(inputs), /"env":\[\{"name":"B","value":"1"\},\{"name":"A"/);
  });

  it("refuses what the kubelet would leave as text", async () => {
    await Recorder.install();
    assert.throws(
      () => new McpServer("x-mcp", { ...args, env: { A: "$(B)" } }),
      /McpServer x-mcp: \[env\.A\] refers to \$\(B\), which is no variable/,
    );
    assert.throws(
      () => new McpServer("x-mcp", { ...args, env: { A: "$(B)", B: "$(A)" } }),
      /\[env\.A\] refers to itself/,
    );
  });
});
