import assert from "node:assert/strict";

import { isUserError } from "@mcp-fleet/errors";
import * as pulumi from "@pulumi/pulumi";

import { restrictedProblems } from "../../components/core";
import { McpServer, type McpServerArgs } from "../../components/server";
import { Recorder } from "../support/mocks";
import { fullStack, runProgram } from "../support/resources";

type Fields = Record<string, unknown>;
type Transforms = NonNullable<McpServerArgs["transform"]>;

const statefulSet = "kubernetes:apps/v1:StatefulSet";
const args: McpServerArgs = {
  ...{ name: "tools-mcp", key: "tools", namespace: "apps", application: "studio", port: 8000 },
  image: "registry.example/tools:1.2.3",
  consumers: [{ name: "web", labels: { app: "web" } }],
  volumes: { data: { mount: "/data", claimTemplate: { size: "10Gi", storageClass: "fast" } } },
};
const selector = {
  "app.kubernetes.io/name": "tools-mcp",
  "app.kubernetes.io/component": "mcp-server",
};

interface Made {
  readonly recorder: Recorder;
  readonly options: pulumi.CustomResourceOptions;
  readonly set: Fields & {
    metadata: Fields;
    spec: Fields & { template: { metadata: Fields; spec: Fields } };
  };
}

async function make(more: Partial<McpServerArgs> = {}): Promise<Made> {
  const recorder = await Recorder.install();
  let options: pulumi.CustomResourceOptions = {};
  const look: pulumi.ResourceTransformation = ({ type, opts }) => {
    if (type === statefulSet) options = opts;
    return undefined;
  };
  const server = new McpServer("tools-mcp", { ...args, ...more }, { transformations: [look] });
  await pulumi.runtime.disconnect();
  assert.ok(server.ready.includes(server.workload));
  assert.deepEqual(recorder.of("kubernetes:apps/v1:Deployment"), []);
  const set = recorder.one(statefulSet, "tools-mcp").inputs as Made["set"];
  assert.deepEqual(restrictedProblems(set.spec.template), [], "the pod is weaker than restricted");
  return { recorder, options, set };
}

describe("a server with a claim for each pod", () => {
  it("is a StatefulSet whose claims stay, and as closed as a Deployment", async () => {
    const { set, options } = await make({ replicas: 2, rolloutSeconds: 60 });
    const { template, ...spec } = set.spec;
    assert.deepEqual(spec, {
      replicas: 2,
      revisionHistoryLimit: 2,
      selector: { matchLabels: selector },
      serviceName: "tools-mcp",
      podManagementPolicy: "Parallel",
      updateStrategy: { type: "RollingUpdate" },
      persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
      volumeClaimTemplates: [
        {
          metadata: { name: "data" },
          spec: {
            accessModes: ["ReadWriteOnce"],
            storageClassName: "fast",
            resources: { requests: { storage: "10Gi" } },
          },
        },
      ],
    });
    assert.deepEqual(set.metadata.annotations, { "mcp-fleet.dev/server": "tools" });
    assert.deepEqual(template.spec.securityContext, {
      runAsNonRoot: true,
      ...{ runAsUser: 65532, runAsGroup: 65532, fsGroup: 65532 },
      fsGroupChangePolicy: "OnRootMismatch",
      seccompProfile: { type: "RuntimeDefault" },
    });
    // The claim's volume is the StatefulSet's to put in.
    assert.deepEqual(template.spec.volumes, [{ name: "tmp", emptyDir: {} }]);
    const [container] = template.spec.containers as Fields[];
    assert.deepEqual(container?.volumeMounts, [
      { name: "tmp", mountPath: "/tmp" },
      { name: "data", mountPath: "/data" },
    ]);
    assert.deepEqual(options.customTimeouts, { create: "150s", update: "150s" });
  });

  it("rolls by the same hashes, and has its other volumes, sidecars and operator's annotation", async () => {
    const { set } = await make({
      ...{ source: "code", code: { files: { "app.py": "x" }, app: "app:app" } },
      secret: {
        infisical: {
          authRef: { name: "auth" },
          ...{ projectId: "p", environment: "prod", path: "/" },
        },
      },
      secretVersion: "2",
      volumes: { ...args.volumes, shm: { emptyDir: {}, mount: "/dev/shm" } },
      sidecars: [{ name: "backup", image: "registry.example/b:1", mounts: { data: "/data" } }],
    });
    const { metadata, spec } = set.spec.template;
    const annotations = metadata.annotations as Fields;
    assert.match(String(annotations["mcp-fleet.dev/code"]), /^[0-9a-f]{16}$/);
    assert.equal(annotations["mcp-fleet.dev/secret-version"], "2");
    assert.deepEqual(set.metadata.annotations, {
      "secrets.infisical.com/auto-reload": "true",
      "mcp-fleet.dev/server": "tools",
    });
    const names = (spec.volumes as Fields[]).map(({ name }) => name);
    assert.deepEqual(names, ["tmp", "config", "shm", "backup-tmp"]);
    const [backup] = spec.initContainers as Fields[];
    assert.deepEqual(backup?.volumeMounts, [
      { name: "backup-tmp", mountPath: "/tmp" },
      { name: "data", mountPath: "/data" },
    ]);
  });

  it("is what its autoscaler scales, and is spread without a label that only Deployments' pods have", async () => {
    const { recorder, set, options } = await make({
      autoscaling: { minReplicas: 2, maxReplicas: 4 },
      ...{ disruptionBudget: {}, spreadOver: ["kubernetes.io/hostname"] },
    });
    const inputs = (type: string): Fields =>
      recorder.one(`kubernetes:${type}`, "tools-mcp").inputs.spec as Fields;
    assert.deepEqual(inputs("autoscaling/v2:HorizontalPodAutoscaler").scaleTargetRef, {
      ...{ apiVersion: "apps/v1", kind: "StatefulSet", name: "tools-mcp" },
    });
    assert.deepEqual(inputs("policy/v1:PodDisruptionBudget").selector, { matchLabels: selector });
    assert.deepEqual([set.spec.replicas, options.ignoreChanges], [2, ["spec.replicas"]]);
    assert.deepEqual(set.spec.template.spec.topologySpreadConstraints, [
      {
        ...{ maxSkew: 1, topologyKey: "kubernetes.io/hostname" },
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector: { matchLabels: selector },
      },
    ]);
  });

  it("takes a transform that is merged by the claim's name", async () => {
    const { set } = await make({
      transform: {
        statefulSet: {
          spec: {
            minReadySeconds: 5,
            volumeClaimTemplates: [
              { metadata: { name: "data", annotations: { "example.com/backup": "daily" } } },
            ],
          },
        },
      },
    });
    const [claim] = set.spec.volumeClaimTemplates as { metadata: Fields; spec: Fields }[];
    assert.equal(set.spec.minReadySeconds, 5);
    assert.deepEqual(claim?.metadata.annotations, { "example.com/backup": "daily" });
    assert.equal(claim.spec.storageClassName, "fast");
  });

  const refused: Readonly<Record<string, [Transforms, RegExp]>> = {
    "takes the claim away": [
      {
        statefulSet: {
          spec: { volumeClaimTemplates: [{ metadata: { name: "data" }, $patch: "delete" }] },
        } as never,
      },
      /\[transform\.statefulSet\].*spec\.volumeClaimTemplates\[data\] has to be there once/,
    ],
    "adds a claim without a name": [
      { statefulSet: { spec: { volumeClaimTemplates: [{ spec: {} }] } } },
      /spec\.volumeClaimTemplates\[\]\.metadata\.name has to be given/,
    ],
    "makes a device of a claim that is mounted": [
      {
        statefulSet: {
          spec: {
            volumeClaimTemplates: [{ metadata: { name: "data" }, spec: { volumeMode: "Block" } }],
          },
        },
      },
      /spec\.volumeClaimTemplates\[data\]\.spec\.volumeMode has to be "Filesystem"/,
    ],
    "leaves old pods as they are": [
      { statefulSet: { spec: { updateStrategy: { type: "OnDelete" } } } },
      /spec\.updateStrategy\.type has to be "RollingUpdate"/,
    ],
    "leaves some pods as they are": [
      { statefulSet: { spec: { updateStrategy: { rollingUpdate: { partition: 1 } } } } },
      /spec\.updateStrategy\.rollingUpdate\.partition has to be left out/,
    ],
    "makes the pod weaker": [
      { statefulSet: { spec: { template: { spec: { hostPID: true } } } } },
      /spec\.template\.spec\.hostPID has to be false/,
    ],
    "gives it another selector": [
      { statefulSet: { spec: { selector: { matchLabels: { app: "x" } } } } },
      /spec\.selector has to be as it was/,
    ],
    "is a Deployment's": [
      { deployment: { spec: { minReadySeconds: 5 } } },
      /\[transform\.deployment\] changes nothing: the server is a StatefulSet/,
    ],
  };
  for (const [what, [transform, says]] of Object.entries(refused))
    it(`refuses a transform that ${what}`, async () => {
      await Recorder.install();
      assert.throws(
        () => new McpServer("tools-mcp", { ...args, transform }),
        (error) => isUserError(error) && says.test(error.problem),
      );
    });

  it("refuses a StatefulSet's transform for a Deployment, and the strategy of one", async () => {
    await Recorder.install();
    const { volumes: _claims, ...deployment } = args;
    const transform = { statefulSet: { spec: { minReadySeconds: 5 } } };
    assert.throws(
      () => new McpServer("tools-mcp", { ...deployment, transform }),
      /\[transform\.statefulSet\] changes nothing: the server is a Deployment/,
    );
    assert.throws(
      () => new McpServer("tools-mcp", { ...args, strategy: "recreate" }),
      /McpServer tools-mcp: \[strategy\] has no effect on a server with a claimTemplate/,
    );
  });
});

describe("a stack with a server that keeps data", () => {
  /** The whole stack, its GitHub server with a claim or without. */
  const run = async (claimTemplate?: object, more: object = {}): Promise<Recorder> => {
    const { plain } = fullStack;
    const servers = plain.servers as Record<string, object>;
    const data = claimTemplate === undefined ? { emptyDir: {} } : { claimTemplate };
    const github = { ...servers.github, volumes: { data: { mount: "/data", ...data } } };
    const { recorder } = await runProgram({
      ...fullStack,
      plain: { ...plain, ...more, servers: { ...servers, github } },
    });
    return recorder;
  };

  it("moves rows after the StatefulSet, which the run waits for by its kind", async () => {
    const recorder = await run({ size: "1Gi" });
    const rows = recorder.registrations.find(({ type }) => type.endsWith(":Cutover"));
    const waitedFor = (kind: string): string[] =>
      (rows?.dependencies ?? [])
        .filter((urn) => urn.includes(`apps/v1:${kind}::`))
        .map((urn) => urn.split("::").at(-1) ?? "");
    assert.deepEqual(waitedFor("StatefulSet"), ["llmctl-mcp-github"]);
    assert.equal(waitedFor("Deployment").length, 4);
    const cutover = recorder.resources.find(({ type }) => type.endsWith(":Cutover"));
    const rollouts = cutover?.inputs.servers as Fields[];
    const [kept] = rollouts.filter((one) => "statefulSet" in one);
    assert.deepEqual(
      [kept?.statefulSet, kept?.deployment, kept?.rolloutSeconds],
      ["llmctl-mcp-github", undefined, 600],
    );
    assert.equal(rollouts.filter((one) => "deployment" in one).length, 4);
  });

  it("lets the manager scale it, and no Deployment of its name", async () => {
    const image = "registry.example.com/mcp-fleet:1.0.0";
    const recorder = await run({ size: "1Gi" }, { manager: { enabled: true, image } });
    const roles = recorder.of("kubernetes:rbac.authorization.k8s.io/v1:Role");
    const rules = roles.flatMap(({ inputs }) => inputs.rules as Fields[]);
    const names = (resource: string): unknown =>
      rules.find(({ resources }) => (resources as string[]).includes(resource))?.resourceNames;
    assert.deepEqual(names("statefulsets/scale"), ["llmctl-mcp-github"]);
    const others = names("deployments/scale") as string[];
    assert.ok(others.length === 4 && !others.includes("llmctl-mcp-github"), others.join(", "));
    const manager = recorder.one("kubernetes:apps/v1:Deployment", "llmctl-studio-manager").inputs;
    assert.match(JSON.stringify(manager), /--servers=[^"]*llmctl-mcp-github/);
  });

  it("leaves its namespace when it is destroyed: the claims would go with it", async () => {
    const kept = async (claimTemplate?: object): Promise<unknown> =>
      (await run(claimTemplate)).registrations.find(({ type }) => type.endsWith(":Namespace"))
        ?.retainOnDelete;
    assert.equal(await kept({ size: "1Gi" }), true);
    assert.equal(await kept(), false);
    // One that is left out for a while has its claims there still.
    const { servers } = fullStack.plain as { servers: Record<string, object> };
    const volumes = { data: { mount: "/data", claimTemplate: { size: "1Gi" } } };
    const away = { image: "a/b:1", port: 8000, enabled: false, volumes };
    const { recorder } = await runProgram({
      ...fullStack,
      plain: { ...fullStack.plain, servers: { ...servers, away } },
    });
    const namespace = recorder.registrations.find(({ type }) => type.endsWith(":Namespace"));
    assert.equal(namespace?.retainOnDelete, true);
  });
});
