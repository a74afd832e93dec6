import assert from "node:assert/strict";

import * as pulumi from "@pulumi/pulumi";

import { isMcpServer } from "../../policy/object";
import type { FleetResource } from "../../policy/resource";
import { resourceRules, stackRules } from "../../policy/rules";
import { recordStack, serverExamples } from "../support/stack-file";

interface Fields {
  [key: string]: Fields;
}

/** A stack's resources as the rules see them. Secrets are a mark, so that one in a wrong place is a credential. */
async function fleetOf(stack: string): Promise<FleetResource[]> {
  const { resources, registrations } = await recordStack(stack);
  return registrations.flatMap((registered) => {
    const { type, name } = registered;
    const recorded = resources.find((one) => one.type === type && one.name === name);
    return recorded === undefined
      ? []
      : [{ ...registered, props: clear(recorded.inputs) as Fields }];
  });
}

function clear(value: unknown): unknown {
  if (pulumi.runtime.isRpcSecret(value)) return "[secret]";
  if (Array.isArray(value)) return value.map(clear);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, clear(inner)]));
}

/** Rule names with what they say, over a whole stack. */
function violations(fleet: readonly FleetResource[]): Record<string, string[]> {
  const said: Record<string, string[]> = {};
  const note = (rule: string, messages: readonly string[]): void => {
    if (messages.length > 0) said[rule] = [...(said[rule] ?? []), ...messages];
  };
  for (const rule of resourceRules) for (const one of fleet) note(rule.name, rule.check(one));
  for (const rule of stackRules)
    note(
      rule.name,
      rule.check(fleet).map(({ message }) => message),
    );
  return said;
}

const deployment = "kubernetes:apps/v1:Deployment";
const cutover = "pulumi-nodejs:dynamic/mcp-fleet:Cutover";

/** A copy of the stack in which one resource is another. */
function edited(
  fleet: readonly FleetResource[],
  type: string,
  name: string,
  edit: (resource: { -readonly [K in keyof FleetResource]: FleetResource[K] }) => void,
): FleetResource[] {
  const copy = structuredClone(fleet) as FleetResource[];
  const found = copy.find((one) => one.type === type && one.name === name);
  assert.ok(found !== undefined, `${type} ${name} is not in the stack`);
  edit(found);
  return copy;
}

/** The stack with its GitHub server's pod template changed. */
function withContainer(
  fleet: readonly FleetResource[],
  edit: (container: Record<string, unknown>) => void,
): FleetResource[] {
  return edited(fleet, deployment, "llmctl-mcp-github", ({ props }) => {
    const { containers } = (props as Fields).spec?.template?.spec as unknown as {
      containers: Record<string, unknown>[];
    };
    const [first] = containers;
    assert.ok(first !== undefined);
    edit(first);
  });
}

/** For each rule one stack that breaks it, and what is said then. */
const breaking: Record<
  string,
  { readonly change: (fleet: FleetResource[]) => FleetResource[]; readonly said: RegExp }
> = {
  "no-plaintext-secret": {
    change: (fleet) =>
      withContainer(fleet, (container) => {
        container.env = [{ name: "GITHUB_PERSONAL_ACCESS_TOKEN", value: "anything" }];
      }),
    said: /^env GITHUB_PERSONAL_ACCESS_TOKEN of container mcp-server is a credential in clear/,
  },
  "pinned-image": {
    change: (fleet) =>
      withContainer(fleet, (container) => {
        container.image = "registry.example:5000/github";
      }),
    said: /^image registry.example:5000\/github of container mcp-server has no fixed version/,
  },
  "mcp-server-probes": {
    change: (fleet) => withContainer(fleet, (container) => delete container.readinessProbe),
    said: /^container mcp-server has no readinessProbe/,
  },
  "mcp-server-resources": {
    change: (fleet) =>
      withContainer(fleet, (container) => {
        container.resources = { requests: { cpu: "1", memory: "1Gi" }, limits: { cpu: "1" } };
      }),
    said: /^container mcp-server has no limits.memory/,
  },
  "pod-restricted": {
    change: (fleet) => withContainer(fleet, (container) => delete container.securityContext),
    said: /^spec.template.spec.containers\[mcp-server\].securityContext.allowPrivilegeEscalation has to be false/,
  },
  "no-skipped-wait": {
    change: (fleet) =>
      edited(fleet, deployment, "llmctl-mcp-github", ({ props }) => {
        Object.assign((props as Fields).metadata ?? {}, {
          annotations: { "pulumi.com/skipAwait": "true" },
        });
      }),
    said: /skipAwait takes the wait before the cutover away/,
  },
  "cutover-never-replaced": {
    change: (fleet) =>
      edited(fleet, cutover, "llmctl-studio-rows", (resource) => {
        resource.deleteBeforeReplace = true;
      }),
    said: /^the option deleteBeforeReplace is not for a Cutover/,
  },
  "mcp-server-network-policy": {
    change: (fleet) =>
      fleet
        .filter((one) => !one.type.endsWith(":NetworkPolicy") || /-studio/.test(one.name))
        .filter(({ name }) => !name.endsWith("-default-deny")),
    said: /^no NetworkPolicy selects the pods of llmctl-mcp/,
  },
  "cutover-stays": {
    change: (fleet) => fleet.filter((one) => one.type !== cutover),
    said: /^the stack runs llmctl-studio without a Cutover/,
  },
  "cutover-depends-on-servers": {
    change: (fleet) =>
      edited(fleet, cutover, "llmctl-studio-rows", (resource) => {
        resource.dependencies = resource.dependencies.filter(
          (urn) => !urn.endsWith("Deployment::llmctl-mcp-github"),
        );
      }),
    said: /^the Cutover writes a URL of llmctl-mcp-github and does not depend on its Deployment/,
  },
};

describe("the policy rules", () => {
  const stacks = {
    ...{ dev: 5, prod: 5, "examples/studio/stack": 5 },
    ...{
      "examples/todo/dev": 1,
      "examples/todo/prod": 1,
      "examples/ai-platform/stack": 2,
      "examples/mesh/stack": 2,
      ...Object.fromEntries(serverExamples.map((stack) => [stack, 1])),
    },
  };
  for (const [stack, servers] of Object.entries(stacks)) {
    it(`hold for the ${stack} stack`, async () => {
      const fleet = await fleetOf(stack);
      assert.equal(fleet.filter(isMcpServer).length, servers);
      assert.deepEqual(violations(fleet), {});
    });
  }

  it("have a case each that breaks them", () => {
    const names = [...resourceRules, ...stackRules].map(({ name }) => name).sort();
    assert.deepEqual(Object.keys(breaking).sort(), names);
  });

  for (const [rule, { change, said }] of Object.entries(breaking)) {
    it(`${rule}: says what breaks it, and nothing else does`, async () => {
      const found = violations(change(await fleetOf("prod")));
      assert.deepEqual(Object.keys(found), [rule]);
      assert.match(found[rule]?.[0] ?? "", said);
    });
  }

  it("look at the pods of every kind of object, whoever made it (issue 16, item 7)", async () => {
    const fleet = await fleetOf("prod");
    const github = fleet.find(
      ({ type, name }) => type === deployment && name === "llmctl-mcp-github",
    );
    assert.ok(github !== undefined);
    const { metadata, spec } = (github.props as Fields).spec?.template ?? {};
    const weak = { metadata, spec: { ...spec, hostPID: true } };
    const kinds = {
      "core/v1:Pod": weak,
      "apps/v1:StatefulSet": { spec: { template: weak } },
      "apps/v1:DaemonSet": { spec: { template: weak } },
      "batch/v1:Job": { spec: { template: weak } },
      "batch/v1:CronJob": { spec: { jobTemplate: { spec: { template: weak } } } },
    };
    for (const [kind, props] of Object.entries(kinds)) {
      const one = { ...github, type: `kubernetes:${kind}`, name: "weak", props };
      const said = violations([...fleet, one])["pod-restricted"];
      assert.match(String(said), /hostPID has to be false or left out; take the transform/, kind);
    }
  });

  it("see a server that keeps data, and the Cutover that does not wait for it", async () => {
    const kept = "kubernetes:apps/v1:StatefulSet";
    const asSet = (one: FleetResource): FleetResource =>
      one.type === deployment && one.name === "llmctl-mcp-github" ? { ...one, type: kept } : one;
    const fleet = (await fleetOf("prod")).map(asSet);
    assert.equal(fleet.filter(isMcpServer).length, 5);
    assert.deepEqual(violations(fleet), {});
    const broken = edited(fleet, cutover, "llmctl-studio-rows", (resource) => {
      resource.dependencies = resource.dependencies.filter(
        (urn) => !urn.endsWith("Deployment::llmctl-mcp-github"),
      );
    });
    assert.match(
      String(violations(broken)["cutover-depends-on-servers"]),
      /writes a URL of llmctl-mcp-github and does not depend on its StatefulSet/,
    );
    const bare = edited(fleet, kept, "llmctl-mcp-github", ({ props }) => {
      const { containers } = (props as Fields).spec?.template?.spec as unknown as {
        containers: Record<string, unknown>[];
      };
      delete containers[0]?.livenessProbe;
    });
    assert.match(String(violations(bare)["mcp-server-probes"]), /has no livenessProbe/);
  });

  it("refuse a server with an account's token, or with the namespace's own account", async () => {
    const fleet = edited(await fleetOf("prod"), deployment, "llmctl-mcp-github", ({ props }) => {
      const pod = (props as Fields).spec?.template?.spec as unknown as Record<string, unknown>;
      delete pod.serviceAccountName;
      pod.volumes = [{ name: "x", projected: { sources: [{ serviceAccountToken: {} }] } }];
    });
    const said = violations(fleet)["pod-restricted"] ?? [];
    assert.match(String(said), /spec\.serviceAccountName has to be an account of its own/);
    assert.match(String(said), /spec\.volumes has to be without a token/);
  });

  it("refuse a NetworkPolicy that lets everybody call a server", async () => {
    const policy = "kubernetes:networking.k8s.io/v1:NetworkPolicy";
    const fleet = edited(await fleetOf("prod"), policy, "llmctl-mcp-github", ({ props }) => {
      Object.assign((props as Fields).spec ?? {}, { ingress: [{ ports: [{ port: 8082 }] }] });
    });
    const said = violations(fleet)["mcp-server-network-policy"];
    assert.match(String(said), /lets everybody call llmctl-mcp-github/);
  });

  it("refuse a NetworkPolicy that lets a server out everywhere (issue 16, item 8)", async () => {
    const policy = "kubernetes:networking.k8s.io/v1:NetworkPolicy";
    for (const rule of [
      {},
      { ports: [{ port: 53 }] },
      { to: [{ namespaceSelector: {} }] },
      { to: [{ ipBlock: { cidr: "0.0.0.0/0" } }] },
    ]) {
      const fleet = edited(await fleetOf("prod"), policy, "llmctl-mcp-github", ({ props }) => {
        Object.assign((props as Fields).spec ?? {}, { egress: [rule] });
      });
      const said = violations(fleet)["mcp-server-network-policy"];
      assert.match(String(said), /lets llmctl-mcp-github connect to everything/);
    }
  });

  it("take a path, a reference and a flag for what they are", async () => {
    const fleet = withContainer(await fleetOf("prod"), (container) => {
      container.env = [
        { name: "GOOGLE_APPLICATION_CREDENTIALS", value: "/var/run/gcloud/key.json" },
        { name: "DATABASE_URL", value: "$(STUDIO_URL)" },
        { name: "MIRROR", value: "https://user:$(MIRROR_PASSWORD)@mirror.example" },
        { name: "ALLOW_GLOBAL_CRED_FALLBACK", value: "true" },
      ];
    });
    assert.deepEqual(violations(fleet), {});
  });
});
