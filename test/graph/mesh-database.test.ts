import assert from "node:assert/strict";

import * as pulumi from "@pulumi/pulumi";

import type { Recorder, Registered } from "../support/mocks";
import { runProgram, type TestConfig } from "../support/resources";

const adminUrl = "postgresql://admin:admin-secret@db.example:6432/postgres";

const stack = (managed: object, more: Partial<TestConfig> = {}): TestConfig => ({
  plain: {
    ...{ namespace: "mcp-mesh", application: "mcp-mesh" },
    ...{ cutover: { enabled: false }, studio: { enabled: false } },
    mesh: { registry: { image: "mcpmesh/registry:3.6.0", storage: { managed } } },
  },
  secret: { meshDatabaseUrl: adminUrl },
  ...more,
});

const grant = (recorder: Recorder, what: string): Record<string, unknown> => {
  const { inputs } = recorder.one("postgresql:index/grant:Grant", `mcp-registry-database-${what}`);
  const { role, database, objectType, schema, privileges } = inputs;
  return { role, database, objectType, schema, privileges };
};

describe("a database of the mesh registry's own", () => {
  it("has a role that may connect and make tables there, and nobody else may", async () => {
    const { recorder } = await runProgram(stack({}));
    const role = recorder.one("postgresql:index/role:Role", "mcp-registry-database").inputs;
    const { password, ...rest } = role;
    assert.deepEqual(rest, { name: "mcp_mesh_registry", login: true });
    assert.ok(pulumi.runtime.isRpcSecret(password));
    const [database, objectType] = ["mcp_mesh", "database"];
    const own = { role: "mcp_mesh_registry", database };
    const everybody = { role: "public", database, privileges: [] };
    const [onDatabase, onSchema] = [
      { objectType, schema: undefined },
      { objectType: "schema", schema: "public" },
    ];
    assert.deepEqual(grant(recorder, "connects"), {
      ...own,
      ...onDatabase,
      privileges: ["CONNECT"],
    });
    assert.deepEqual(grant(recorder, "creates"), {
      ...{ ...own, ...onSchema, privileges: ["USAGE", "CREATE"] },
    });
    assert.deepEqual(grant(recorder, "nobody-connects"), { ...everybody, ...onDatabase });
    assert.deepEqual(grant(recorder, "nobody-creates"), { ...everybody, ...onSchema });
    assert.equal(recorder.of("postgresql:index/grant:Grant").length, 4);
  });

  it("is there, with its grants and its Secret, before the registry; and the role before it, to go after it", async () => {
    const late: string[] = [];
    let started = false;
    const { recorder } = await runProgram(stack({}), {
      hold: async (type, name) => {
        if (type.endsWith(":StatefulSet")) started = true;
        if (!/^postgresql:|:Secret$/.test(type)) return;
        await new Promise((resolve) => setTimeout(resolve, 50));
        if (started) late.push(`${type} ${name}`);
      },
    });
    assert.ok(started);
    assert.deepEqual(late, []);
    const made = (type: string): Registered =>
      recorder.registrations.find((one) => one.type.endsWith(type)) ?? assert.fail(type);
    assert.ok(made("database:Database").dependencies.includes(made("role:Role").urn));
    // In a destroy its parts are deleted before what it depends on.
    const registry = made(":MeshRegistry");
    const first = recorder.registrations.filter(({ type }) => /:Grant$|v1:Secret$/.test(type));
    assert.equal(first.length, 5);
    for (const { urn, name } of first) assert.ok(registry.dependencies.includes(urn), name);
  });

  it("is told to the registry by a Secret; neither password is anywhere in clear", async () => {
    const { recorder } = await runProgram(stack({ tls: "disable" }));
    const secret = recorder.one("kubernetes:core/v1:Secret", "mcp-registry-database-login").inputs;
    assert.ok(pulumi.runtime.isRpcSecret(secret.stringData));
    assert.match(
      JSON.stringify(secret.stringData),
      /"postgresql:\/\/mcp_mesh_registry:generated-password@db\.example:6432\/mcp_mesh\?sslmode=disable"/,
    );
    assert.doesNotMatch(JSON.stringify(secret), /admin-secret/);
    const clear = JSON.stringify(recorder.resources, (_key, value: unknown) =>
      pulumi.runtime.isRpcSecret(value) ? "secret" : value,
    );
    assert.doesNotMatch(clear, /generated-password|admin-secret/);
    const set = JSON.stringify(
      recorder.one("kubernetes:apps/v1:StatefulSet", "mcp-registry").inputs.spec,
    );
    assert.match(
      set,
      /"secretKeyRef":{"key":"DATABASE_URL","name":"mcp-registry-database-login-1a2b3c4d"}/,
    );
    assert.doesNotMatch(set, /volumeClaimTemplates/);
    const policy = recorder.one("kubernetes:networking.k8s.io/v1:NetworkPolicy", "mcp-registry");
    assert.match(JSON.stringify(policy.inputs.spec), /"port":6432/);
  });

  it("can be elsewhere for the pod than for the engine", async () => {
    const address = { host: "postgres.databases", port: 5433 };
    const { recorder } = await runProgram(stack({ address }));
    const secret = recorder.one("kubernetes:core/v1:Secret", "mcp-registry-database-login").inputs;
    assert.match(
      JSON.stringify(secret),
      /@postgres\.databases:5433\/mcp_mesh\?sslmode=verify-full"/,
    );
    const policy = recorder.one("kubernetes:networking.k8s.io/v1:NetworkPolicy", "mcp-registry");
    assert.match(JSON.stringify(policy.inputs.spec), /"port":5433/);
    const provider = recorder.one("pulumi:providers:postgresql", "mcp-registry-database-admin");
    assert.match(JSON.stringify(provider.inputs), /db\.example/);
  });

  it("needs a login that makes it, encrypted, and cannot be rendered", async () => {
    const said = async (more: Partial<TestConfig>): Promise<string> => {
      try {
        await runProgram(stack({}, more));
      } catch (error) {
        return (error as Error).message;
      }
      throw new Error("the configuration was to be refused and was not");
    };
    assert.match(await said({ secret: {} }), /\[meshDatabaseUrl\] is missing/);
    assert.match(
      await said({ secret: { meshDatabaseUrl: "mysql://db/admin-secret" } }),
      /\[meshDatabaseUrl\] is not a PostgreSQL URL/,
    );
    assert.match(
      await said({ kubernetes: { renderYamlToDirectory: "out" } }),
      /\[mesh\.registry\.storage\.managed\] cannot be rendered/,
    );
    const clear = stack({});
    assert.match(
      await said({ plain: { ...clear.plain, meshDatabaseUrl: adminUrl }, secret: {} }),
      /\[meshDatabaseUrl\] is stored in plain text/,
    );
  });
});
