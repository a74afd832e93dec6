import assert from "node:assert/strict";

import { parseFleet } from "@mcp-fleet/operations";
import * as pulumi from "@pulumi/pulumi";

import { fullStack, runProgram, type TestConfig } from "../support/resources";

const stack = (observability: Record<string, unknown>): TestConfig => ({
  plain: {
    ...{ namespace: "llmctl", application: "llmctl-studio" },
    ...{ cutover: { enabled: false }, studio: { enabled: false } },
    servers: { chroma: { image: "registry.example/mcp-chroma:0.2.6" } },
    observability,
  },
});
const observer = { image: "registry.example/mcp-observer:0.1.0" };
const exporter = {
  image: "registry.example/mcp-fleet:0.1.0",
  intervalSeconds: 60,
  database: { secret: "checks" },
};
/** The scrapers must be named. */
const scrapers = { "kubernetes.io/metadata.name": "monitoring" };
const custom = "kubernetes:monitoring.coreos.com/v1:";

describe("observability", () => {
  it("is not there unless asked for", async () => {
    const { recorder } = await runProgram(stack({}));
    const types = new Set(recorder.resources.map((one) => one.type));
    assert.ok(![...types].some((type) => type.includes("monitoring") || type.includes("rbac")));
  });

  it("makes monitor, rules and dashboards, labelled so that Prometheus and Grafana find them", async () => {
    const { recorder } = await runProgram(
      stack({ enabled: true, labels: { release: "prom" }, thresholds: { restarts: 7 } }),
    );
    const rule = recorder.one(`${custom}PrometheusRule`, "llmctl-studio-alerts").inputs;
    assert.equal((rule.metadata as { labels: Record<string, string> }).labels.release, "prom");
    assert.match(JSON.stringify(rule.spec), /\[15m\]\)\) > 7/);
    recorder.one(`${custom}ServiceMonitor`, "llmctl-studio-metrics");
    const boards = recorder
      .of("kubernetes:core/v1:ConfigMap")
      .map(({ inputs }) => inputs as { metadata: { labels: Record<string, string> }; data: object })
      .filter(({ metadata }) => metadata.labels.grafana_dashboard === "1");
    assert.deepEqual(boards.flatMap(({ data }) => Object.keys(data)).sort(), [
      "mcp-cutover.json",
      "mcp-fleet.json",
      "mcp-mesh.json",
      "mcp-server.json",
    ]);
  });

  it("gives the observer a Service that the monitor selects, and rights to list and no more", async () => {
    const { recorder } = await runProgram(stack({ enabled: true, scrapers, observer }));
    const name = "llmctl-studio-observer";
    const monitor = recorder.one(`${custom}ServiceMonitor`, "llmctl-studio-metrics").inputs;
    const { selector, endpoints } = monitor.spec as {
      selector: { matchLabels: Record<string, string> };
      endpoints: [{ port: string }];
    };
    const service = recorder.one("kubernetes:core/v1:Service", name).inputs as {
      metadata: { labels: Record<string, string> };
      spec: { ports: [{ name: string }] };
    };
    for (const [key, value] of Object.entries(selector.matchLabels)) {
      assert.equal(service.metadata.labels[key], value);
    }
    assert.equal(service.spec.ports[0].name, endpoints[0].port);
    assert.deepEqual(
      recorder.one("kubernetes:rbac.authorization.k8s.io/v1:Role", name).inputs.rules,
      [
        { apiGroups: [""], resources: ["pods"], verbs: ["list"] },
        { apiGroups: ["apps"], resources: ["deployments", "statefulsets"], verbs: ["list"] },
        { apiGroups: [""], resources: ["events"], verbs: ["list"] },
      ],
    );
  });

  it("makes no object of the Prometheus operator where there is none", async () => {
    const { recorder } = await runProgram(stack({ enabled: true, prometheusOperator: false }));
    assert.ok(!recorder.resources.some((one) => one.type.startsWith(custom)));
  });

  it("refuses an endpoint with a password in it, by its key", async () => {
    const certificates = ["postgresql://user:secret@db:5432/x"];
    await assert.rejects(
      runProgram(stack({ enabled: true, scrapers, observer: { ...observer, certificates } })),
      (error: Error) =>
        /observability\.observer\.certificates\[0\]/.test(error.message) &&
        !error.message.includes("secret"),
    );
  });

  it("runs the checks after the rows have moved, in the application's place and behind none of its Services", async () => {
    const plain = { ...fullStack.plain, observability: { enabled: true, scrapers, exporter } };
    const { recorder } = await runProgram({ ...fullStack, plain });
    const name = "llmctl-studio-exporter";
    const rows = recorder.one("pulumi-nodejs:dynamic/mcp-fleet:Cutover", "llmctl-studio-rows");
    const made = recorder.one("kubernetes:apps/v1:Deployment", name);
    assert.ok(rows.order < made.order);
    const { selector, template } = made.inputs.spec as {
      selector: { matchLabels: Record<string, string> };
      template: { metadata: { labels: Record<string, string> }; spec: { containers: Container[] } };
    };
    const { labels } = template.metadata;
    assert.equal(labels["app.kubernetes.io/name"], "llmctl-studio");
    assert.equal(labels["app.kubernetes.io/component"], "web");
    for (const [key, value] of Object.entries(selector.matchLabels))
      assert.equal(labels[key], value);
    const studio = recorder.one("kubernetes:core/v1:Service", "llmctl-studio").inputs.spec as {
      selector: Record<string, string>;
    };
    assert.ok(Object.entries(studio.selector).some(([key, value]) => labels[key] !== value));
    const [container] = template.spec.containers;
    assert.deepEqual(container?.args.slice(-2), ["--interval", "60"]);
    assert.deepEqual(container?.env[0]?.valueFrom.secretKeyRef, {
      ...{ name: "checks", key: "databaseUrl" },
    });
    assert.deepEqual(
      recorder.one("kubernetes:rbac.authorization.k8s.io/v1:Role", name).inputs.rules,
      [
        { apiGroups: [""], resources: ["services", "pods"], verbs: ["list"] },
        { apiGroups: ["apps"], resources: ["deployments", "statefulsets"], verbs: ["list"] },
      ],
    );
  });

  it("tells the exporter of the cutover what its command reads, as a secret", async () => {
    const plain = { ...fullStack.plain, observability: { enabled: true, scrapers, exporter } };
    const { recorder } = await runProgram({ ...fullStack, plain });
    const { stringData } = recorder.one(
      "kubernetes:core/v1:Secret",
      "llmctl-studio-exporter",
    ).inputs;
    assert.ok(pulumi.runtime.isRpcSecret(stringData));
    const { value } = stringData as { value: Record<string, string> };
    const fleet = parseFleet(JSON.parse(value["fleet.json"] ?? ""), "the Secret");
    assert.equal(fleet.generation, 1);
    assert.equal(fleet.database.connect, "direct");
    assert.equal(fleet.probe.from, "here");
    assert.deepEqual(fleet.kubernetes, {});
    assert.equal(fleet.targets.length, 5);
    // What `servers.<key>.requestSeconds` is, by default the time of the server's start (issue 18, item 9).
    assert.ok(fleet.targets.every(({ answerSeconds }) => (answerSeconds ?? 0) >= 60));
    assert.deepEqual(
      Object.keys(fleet.servers).sort(),
      fleet.targets.map(({ name }) => name).sort(),
    );
    assert.deepEqual(fleet.workloads, [{ namespace: "llmctl", deployment: "llmctl-studio" }]);
  });

  it("lets the exporter into the servers where the stack has no application of its own", async () => {
    const plain = {
      ...fullStack.plain,
      observability: { enabled: true, scrapers, exporter },
      studio: { enabled: false },
      cutover: { fence: false },
    };
    const { recorder } = await runProgram({ ...fullStack, plain });
    const policy = recorder.one(
      "kubernetes:networking.k8s.io/v1:NetworkPolicy",
      "llmctl-mcp-github",
    );
    assert.match(
      JSON.stringify(policy.inputs),
      /"app.kubernetes.io\/name":"llmctl-studio-exporter"/,
    );
  });

  it("tries the Services from a pod that no policy knows, and wants to know who may read the metrics", async () => {
    const observability = { enabled: true, scrapers, exporter };
    const made = await runProgram({
      ...fullStack,
      plain: { ...fullStack.plain, observability },
    });
    const name = "llmctl-studio-isolation-check";
    const job = made.recorder.one("kubernetes:batch/v1:CronJob", name).inputs.spec as {
      jobTemplate: { spec: { template: { metadata: object; spec: { containers: Container[] } } } };
    };
    const { metadata, spec } = job.jobTemplate.spec.template;
    assert.deepEqual(metadata, { labels: { "mcp-fleet.dev/workload": "isolation-check" } });
    const [container] = spec.containers;
    const [endpoints] = container?.env as unknown as { value: string }[];
    const tried = JSON.parse(endpoints?.value ?? "") as { name: string; port: number }[];
    assert.ok(tried.some(({ name, port }) => name === "llmctl-mcp" && port === 9020));
    const open = { ...fullStack.plain, network: { isolate: "none" }, observability };
    const { recorder } = await runProgram({ ...fullStack, plain: open });
    assert.deepEqual(recorder.of("kubernetes:batch/v1:CronJob"), []);
    await assert.rejects(
      runProgram(stack({ enabled: true, observer })),
      /\[observability\.scrapers\] is not set/,
    );
    await runProgram(stack({ enabled: true, observer, scrapers: {} }));
  });

  it("refuses an exporter where there is no cutover to check", async () => {
    await assert.rejects(
      runProgram(stack({ enabled: true, scrapers, exporter })),
      /\[observability\.exporter\] has nothing to check/,
    );
  });
});

interface Container {
  readonly args: string[];
  readonly env: { valueFrom: { secretKeyRef: object } }[];
}
