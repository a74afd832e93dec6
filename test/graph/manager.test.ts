import assert from "node:assert/strict";

import * as pulumi from "@pulumi/pulumi";

import type { Recorder } from "../support/mocks";
import { runProgram, type TestConfig } from "../support/resources";

const name = "llmctl-studio-manager";
const image = "registry.example/mcp-fleet:0.1.0";
const agent = { name: "agent", labels: { "app.kubernetes.io/component": "agent" } };

const stack = (
  manager: Record<string, unknown>,
  rest: Record<string, unknown> = {},
): TestConfig => ({
  plain: {
    ...{ namespace: "llmctl", application: "llmctl-studio" },
    ...{ cutover: { enabled: false }, studio: { enabled: false } },
    servers: { chroma: { image: "registry.example/mcp-chroma:0.2.6" } },
    manager: { enabled: true, image, ...manager },
    ...rest,
  },
});

interface Rule {
  readonly apiGroups: string[];
  readonly resources: string[];
  readonly verbs: string[];
  readonly resourceNames?: string[];
}

const rulesOf = (recorder: Recorder): Rule[] =>
  recorder.one("kubernetes:rbac.authorization.k8s.io/v1:Role", name).inputs.rules as Rule[];

interface Container {
  readonly args: string[];
  readonly env: { valueFrom: { secretKeyRef: { name: string; key: string } } }[];
}

const containerOf = (recorder: Recorder): Container => {
  const { spec } = recorder.one("kubernetes:apps/v1:Deployment", name).inputs as {
    spec: { template: { spec: { containers: [Container] } } };
  };
  return spec.template.spec.containers[0];
};

describe("the resource manager", () => {
  it("is not there unless asked for, and needs its image", async () => {
    const { recorder, outputs } = await runProgram(stack({ enabled: false }));
    assert.ok(!recorder.resources.some((one) => one.name.startsWith(name)));
    assert.equal(outputs.manager, undefined);
    const { manager } = stack({}).plain as { manager: Record<string, unknown> };
    const without = stack({}, { manager: { ...manager, image: undefined } });
    await assert.rejects(runProgram(without), /manager\.image/);
  });

  it("may change the replicas of the stack's servers, and nothing else of anything", async () => {
    const { recorder, outputs } = await runProgram(stack({}));
    assert.deepEqual(rulesOf(recorder), [
      {
        apiGroups: ["apps"],
        resources: ["deployments", "statefulsets"],
        verbs: ["get", "list", "watch"],
      },
      { apiGroups: ["autoscaling"], resources: ["horizontalpodautoscalers"], verbs: ["list"] },
      {
        apiGroups: ["apps"],
        resources: ["deployments/scale"],
        resourceNames: ["llmctl-mcp-chroma"],
        verbs: ["patch"],
      },
      { apiGroups: [""], resources: ["services"], verbs: ["list"] },
      { apiGroups: [""], resources: ["pods"], verbs: ["list", "watch"] },
    ]);
    assert.ok(!recorder.resources.some(({ type }) => type.includes("Cluster")));
    assert.equal(outputs.manager, `http://${name}.llmctl.svc.cluster.local:8080/mcp`);
  });

  it("without servers may change nothing: no name is not every name", async () => {
    const { recorder } = await runProgram(stack({}, { servers: {} }));
    assert.ok(rulesOf(recorder).every(({ verbs }) => !verbs.includes("patch")));
  });

  it("ends pods only where forced stops are allowed, by its arguments and by its rights", async () => {
    const plain = containerOf((await runProgram(stack({}))).recorder);
    assert.deepEqual(
      plain.args.filter((argument) => argument.startsWith("--no-")),
      ["--no-force-stop"],
    );
    const { recorder } = await runProgram(stack({ forceStop: true, scaleToZero: false }));
    assert.deepEqual(
      containerOf(recorder).args.filter((argument) => argument.startsWith("--no-")),
      ["--no-scale-to-zero"],
    );
    assert.deepEqual(rulesOf(recorder).at(-1), {
      ...{ apiGroups: [""], resources: ["pods"] },
      verbs: ["list", "watch", "delete"],
    });
  });

  it("is told the servers that it may change, since its right to end pods has no names (issue 16, item 10)", async () => {
    for (const forceStop of [true, false]) {
      const { args } = containerOf((await runProgram(stack({ forceStop }))).recorder);
      assert.deepEqual(
        args.filter((argument) => argument.startsWith("--servers")),
        ["--servers=llmctl-mcp-chroma"],
      );
    }
    const none = containerOf((await runProgram(stack({}, { servers: {} }))).recorder);
    assert.ok(none.args.includes("--servers="));
  });

  it("keeps its token a secret, or takes the one that is there", async () => {
    const made = (await runProgram(stack({}))).recorder;
    const { stringData } = made.one("kubernetes:core/v1:Secret", name).inputs;
    assert.ok(pulumi.runtime.isRpcSecret(stringData));
    const refer = ({ env }: Container): unknown => env[0]?.valueFrom.secretKeyRef;
    assert.deepEqual(refer(containerOf(made)), { name, key: "token" });
    const given = (await runProgram(stack({ token: { secret: "own", key: "bearer" } }))).recorder;
    assert.deepEqual(refer(containerOf(given)), { name: "own", key: "bearer" });
    assert.ok(!given.resources.some(({ type }) => /RandomPassword|v1:Secret$/.test(type)));
  });

  it("is reached by its clients only; with none by nobody", async () => {
    const policies = async (clients: unknown[]): Promise<Record<string, unknown>> => {
      const { recorder } = await runProgram(stack({ clients }));
      return Object.fromEntries(
        recorder
          .of("kubernetes:networking.k8s.io/v1:NetworkPolicy")
          .filter((one) => one.name.startsWith(name))
          .map((one) => [one.name, (one.inputs.spec as { ingress?: unknown }).ingress]),
      );
    };
    const ports = [{ protocol: "TCP", port: 8080 }];
    const podSelector = { matchLabels: agent.labels };
    assert.deepEqual(await policies([]), { [name]: [] });
    assert.deepEqual(await policies([agent]), {
      [name]: [{ from: [{ podSelector }], ports }],
      [`${name}-client-agent`]: undefined,
    });
    const elsewhere = { ...agent, namespace: { team: "platform" } };
    const namespaceSelector = { matchLabels: { team: "platform" } };
    assert.deepEqual(await policies([elsewhere]), {
      [name]: [{ from: [{ podSelector, namespaceSelector }], ports }],
    });
  });

  it("refuses a client without labels, which would be every pod", async () => {
    await assert.rejects(
      runProgram(stack({ clients: [{ name: "all", labels: {} }] })),
      /\[manager\.clients\[0\]\.labels\] must name at least one label/,
    );
  });
});
