import assert from "node:assert/strict";

import * as pulumi from "@pulumi/pulumi";

import { applyTransform, serviceUrl, versionOf } from "../../../components/core";
import { parseDatabaseUrl } from "../../../components/database";

describe("core", () => {
  it("merges an object transform deeply, replaces lists, and leaves outputs whole", () => {
    const output = pulumi.output({ a: 1 });
    const base = { spec: { replicas: 1, list: [1, 2], output }, kept: true };
    const merged = applyTransform(base, { spec: { replicas: 3, list: [9] } });
    assert.deepEqual(merged.spec.list, [9]);
    assert.equal(merged.spec.replicas, 3);
    assert.equal(merged.spec.output, output);
    assert.equal(merged.kept, true);
    assert.equal(base.spec.replicas, 1, "the arguments given are not changed");
  });

  it("takes a version from a tag or a digest", () => {
    assert.equal(versionOf("ghcr.io/a/b:v1.2.3"), "v1.2.3");
    assert.equal(versionOf("registry:5000/a/b"), undefined);
    assert.equal(versionOf(`a/b@sha256:${"0123456789abcdef".repeat(4)}`), "0123456789ab");
    assert.equal(versionOf(`a/b:1.0@sha256:${"0".repeat(64)}`), "1.0");
  });

  it("writes the URL of a Service with its path", () => {
    assert.equal(
      serviceUrl("github", "apps", 8000, "/mcp"),
      "http://github.apps.svc.cluster.local:8000/mcp",
    );
  });

  it("reads a DSN and refuses another one without showing it", () => {
    assert.deepEqual(parseDatabaseUrl("postgresql://app:p%40ss@db.example/my%20db", "url"), {
      host: "db.example",
      port: 5432,
      user: "app",
      password: "p@ss",
      database: "my db",
    });
    for (const bad of ["mysql://app:hidden@db/x", "app:hidden@db", "postgresql://app:hidden@db/"]) {
      assert.throws(
        () => parseDatabaseUrl(bad, "assistant:adminUrl"),
        (error: Error) =>
          error.message.includes("[assistant:adminUrl]") && !error.message.includes("hidden"),
      );
    }
  });
});
