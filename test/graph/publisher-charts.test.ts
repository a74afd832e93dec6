import assert from "node:assert/strict";

import { isUserError } from "@mcp-fleet/errors";
import * as pulumi from "@pulumi/pulumi";

import {
  type MeshAgentArgs,
  MeshAgentChart,
  type MeshRegistryArgs,
  MeshRegistryChart,
} from "../../components/mesh";
import { Recorder } from "../support/mocks";

const version = "3.6.0";
const registry: MeshRegistryArgs = {
  ...{ serviceName: "mcp-registry", namespace: "mcp-mesh", application: "mcp-mesh", port: 8000 },
  image: "mirror.example:5000/mcpmesh/registry@sha256:0123456789abcdef",
  storage: { kind: "sqlite", size: "2Gi" },
  consumers: [],
};
const agent: MeshAgentArgs = {
  ...{ serviceName: "greeter", namespace: "mcp-mesh", application: "mcp-mesh", port: 8080 },
  image: "registry.example/greeter:1.0.0",
  advertise: "pod",
  env: { TOKEN: { secret: "tokens", key: "greeter" } },
  registryUrl: "http://mcp-registry.mcp-mesh.svc.cluster.local:8000",
  registry: { labels: {}, port: 8000 },
  consumers: [],
};

/** The charts that a program registers, by name: source and values. */
async function charts(program: () => unknown): Promise<Map<string, Record<string, unknown>>> {
  const recorder = await Recorder.install();
  program();
  await pulumi.runtime.disconnect();
  const found = recorder.of("kubernetes:helm.sh/v4:Chart");
  return new Map(found.map(({ name, inputs }) => [name, inputs]));
}

describe("the publisher's own charts", () => {
  it("take the arguments of the components", async () => {
    const made = await charts(() => {
      const first = new MeshRegistryChart("registry", registry, { version });
      new MeshAgentChart("greeter", agent, { version }, { dependsOn: [...first.ready] });
    });
    const one = made.get("registry");
    assert.equal(one?.chart, "oci://ghcr.io/dhyansraj/mcp-mesh/mcp-mesh-registry");
    assert.equal(one.version, version);
    assert.match(JSON.stringify(one.values), /"fullnameOverride":"mcp-registry"/);
    assert.deepEqual((one.values as { image: unknown }).image, {
      registry: "",
      repository: "mirror.example:5000/mcpmesh/registry@sha256",
      tag: "0123456789abcdef",
    });
    const values = made.get("greeter")?.values as { env: unknown; registry: unknown };
    assert.deepEqual(values.registry, {
      host: "mcp-registry.mcp-mesh.svc.cluster.local",
      port: "8000",
    });
    assert.deepEqual(values.env, [
      { name: "MCP_MESH_DISTRIBUTED_TRACING_ENABLED", value: "false" },
      { name: "MCP_MESH_HTTP_HOST", value: "$(POD_IP)" },
      { name: "TOKEN", valueFrom: { secretKeyRef: { name: "tokens", key: "greeter" } } },
    ]);
  });

  it("are refused what they cannot do, and come from a mirror where one is named", async () => {
    const storage = { kind: "postgresql", secret: "db", key: "url", port: 5432 } as const;
    const refused = (args: MeshRegistryArgs): unknown =>
      new MeshRegistryChart("registry", args, { version });
    await charts(() => {
      assert.throws(() => refused({ ...registry, storage }), isUserError);
      assert.throws(
        () => new MeshAgentChart("greeter", { ...agent, args: ["-m", "greeter"] }, { version }),
        isUserError,
      );
    });
    const made = await charts(
      () =>
        new MeshRegistryChart(
          "registry",
          { ...registry, storage: { ...storage, host: "db.example.com" } },
          { version, repository: "oci://mirror.example/charts" },
        ),
    );
    assert.equal(made.get("registry")?.chart, "oci://mirror.example/charts/mcp-mesh-registry");
    const { registry: own } = made.get("registry")?.values as { registry: { database: unknown } };
    assert.deepEqual(own.database, {
      type: "postgres",
      ...{ host: "db.example.com", port: 5432 },
      ...{ existingSecret: "db", existingSecretUrlKey: "url" },
    });
  });
});
