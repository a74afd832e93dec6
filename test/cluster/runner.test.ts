import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { isUserError } from "@mcp-fleet/errors";

import { silentLog } from "../../lab/log";
import { paths } from "../../lab/paths";
import { KubeClient } from "../../lab/runner/kubernetes/client";
import { type RunOptions, runProgram, type RunResult } from "../../lab/runner/runner";
import { type JsonObject, objectAt, stringAt } from "../../lab/runner/wire";

const kubeconfig = process.env.LAB_KUBECONFIG ?? paths.kubeconfig;
describe("lab runner: a program with a cluster", function () {
  this.timeout(180_000);
  const namespace = `runner-${randomBytes(3).toString("hex")}`;
  let directory: string;
  let client: KubeClient;
  let image: string;

  before(async function () {
    if (!existsSync(kubeconfig)) {
      if (process.env.CI === "true") throw new Error("no lab cluster is running");
      process.stdout.write("    skipped: no lab cluster is running\n");
      this.skip();
    }
    client = KubeClient.from(kubeconfig, { patient: true });
    image = await sandboxImage(client);
    directory = mkdtempSync(join(tmpdir(), "lab-runner-"));
    const main = join(__dirname, "runner-program.js");
    writeFileSync(join(directory, "package.json"), JSON.stringify({ name: "rollout", main }));
  });

  after(async () => {
    if (client === undefined) return;
    await client
      .call("DELETE", `/api/v1/namespaces/${namespace}`, {})
      .catch((error: unknown) => assert.match(String(error), /not found/));
    rmSync(directory, { recursive: true, force: true });
  });

  const go = (
    mode: RunOptions["mode"],
    config: Record<string, string> = {},
    more: Partial<RunOptions> = {},
  ): Promise<RunResult> => {
    const all = { namespace, image, greeting: "hello", ...config };
    return runProgram({
      mode,
      projectDir: directory,
      project: "rollout",
      stack: "test",
      config: Object.fromEntries(
        Object.entries(all).map(([key, value]) => [`rollout:${key}`, { value }]),
      ),
      kubeconfig,
      stateFile: join(directory, "state.json"),
      statePassphrase: "cluster test",
      log: silentLog,
      timeoutSeconds: 150,
      ...more,
    });
  };
  const ops = (result: RunResult): Record<string, string> =>
    Object.fromEntries(result.changes.map((item) => [item.urn.split("::").at(-1) ?? "", item.op]));
  const list = async (kind: string, apiVersion = "v1"): Promise<JsonObject[]> =>
    (await client.list(apiVersion, kind, namespace)).filter(
      (object) => stringAt(object, "metadata", "labels", "app") === "runner-test",
    );
  const nameOf = (object: JsonObject | undefined): string =>
    stringAt(object, "metadata", "name") ?? "";

  it("previews a cluster that has nothing yet without writing to it", async () => {
    const preview = await go("preview");
    assert.deepEqual(ops(preview), {
      namespace: "create",
      settings: "create",
      token: "create",
      server: "create",
      service: "create",
    });
    assert.equal(await client.get("v1", "Namespace", undefined, namespace), undefined);
  });

  it("applies, waits for the rollout and returns the live objects", async () => {
    const result = await go("up");
    assert.deepEqual([...new Set(Object.values(ops(result)))], ["create"]);
    assert.equal(result.outputs.available, 1);
    assert.match(String(result.outputs.settings), /^settings-[0-9a-f]{8}$/);
    const [deployment] = await list("Deployment", "apps/v1");
    assert.equal(objectAt(deployment?.status).availableReplicas, 1);
    const managers = objectAt(deployment?.metadata).managedFields as JsonObject[];
    assert.ok(managers.some((entry) => entry.manager === "mcp-fleet-lab"));
  });

  it("changes nothing, and writes nothing, the second time", async () => {
    const version = async (): Promise<string[]> =>
      (await Promise.all(["ConfigMap", "Secret", "Service"].map((kind) => list(kind))))
        .flat()
        .map((object) => stringAt(object, "metadata", "resourceVersion") ?? "");
    const before = await version();
    const result = await go("up");
    assert.deepEqual([...new Set(Object.values(ops(result)))], ["same"]);
    assert.deepEqual(await version(), before);
    assert.deepEqual([...new Set(Object.values(ops(await go("preview"))))], ["same"]);
  });

  it("replaces a ConfigMap whose content changed, so that the pods roll", async () => {
    const [oldPod] = await list("Pod");
    const [oldMap] = await list("ConfigMap");
    assert.equal(ops(await go("preview", { greeting: "bye" })).server, "update");
    const result = await go("up", { greeting: "bye" });
    assert.deepEqual(ops(result), {
      namespace: "same",
      settings: "update",
      token: "same",
      server: "update",
      service: "same",
    });
    const maps = await list("ConfigMap");
    assert.deepEqual(
      maps.map((map) => objectAt(map.data).greeting),
      ["bye"],
    );
    assert.notEqual(nameOf(maps[0]), nameOf(oldMap));
    const pods = (await list("Pod")).filter(
      (pod) => stringAt(pod, "metadata", "deletionTimestamp") === undefined,
    );
    assert.equal(pods.length, 1);
    assert.notEqual(nameOf(pods[0]), nameOf(oldPod));
  });

  it("repairs an object that somebody changed or removed", async () => {
    const [service] = await list("Service");
    await client.call("DELETE", `/api/v1/namespaces/${namespace}/services/${nameOf(service)}`);
    const [deployment] = await list("Deployment", "apps/v1");
    await client.call(
      "PATCH",
      `/apis/apps/v1/namespaces/${namespace}/deployments/${nameOf(deployment)}`,
      { contentType: "application/merge-patch+json", body: { spec: { replicas: 0 } } },
    );
    const result = await go("up", { greeting: "bye" });
    assert.deepEqual(
      [ops(result).service, ops(result).server, ops(result).token],
      ["create", "update", "same"],
    );
    assert.equal(result.outputs.available, 1);
  });

  it("fails early on an image that cannot be had, and goes on from there", async () => {
    const started = Date.now();
    const bad = { greeting: "bye", image: "mcp-fleet.local/no-such-image:1" };
    await assert.rejects(go("up", bad), (error: unknown) => {
      assert.ok(isUserError(error));
      assert.match(error.problem, /^Deployment .*\/server: container main of pod server-.* is in /);
      assert.match(error.problem, /ErrImage|ImagePull/);
      return true;
    });
    assert.ok(Date.now() - started < 60_000);
    const result = await go("up", { greeting: "bye" });
    assert.equal(ops(result).server, "update");
  });

  it("names a fixed field that changed, in the preview already", async () => {
    const changed = { greeting: "bye", selector: "other" };
    await assert.rejects(go("preview", changed), /field is immutable.*does not replace/);
    await assert.rejects(go("up", changed), /field is immutable.*does not replace/);
  });

  it("says what a preview could not see when the cluster is away", async () => {
    const away = join(directory, "away.json");
    writeFileSync(away, JSON.stringify(nowhere));
    const started = Date.now();
    const preview = await go("preview", { greeting: "third" }, { kubeconfig: away });
    assert.ok(Date.now() - started < 10_000);
    assert.equal(ops(preview).settings, "update");
    assert.equal(ops(preview).token, "same");
    assert.match(preview.warnings.join(), /127\.0\.0\.1:9.* does not answer/);
  });

  it("removes everything, the namespace last", async () => {
    const result = await go("destroy");
    assert.equal(result.changes.at(-1)?.urn.split("::").at(-1), "namespace");
    assert.equal(await client.get("v1", "Namespace", undefined, namespace), undefined);
  });
});

/** An image every node has: its sandbox. It listens on nothing and runs as any user. */
async function sandboxImage(client: KubeClient): Promise<string> {
  const { items } = await client.call("GET", "/api/v1/nodes");
  const nodes = Array.isArray(items) ? items : [];
  const images = nodes.flatMap((node) => objectAt(node, "status").images as JsonObject[]);
  const names = images.flatMap((item) => item.names as string[]);
  return (
    names.find((name) => name.includes("pause") && !name.includes("@")) ??
    "registry.k8s.io/pause:3.10"
  );
}

const nowhere = {
  apiVersion: "v1",
  kind: "Config",
  "current-context": "away",
  clusters: [{ name: "away", cluster: { server: "https://127.0.0.1:9" } }],
  users: [{ name: "away", user: {} }],
  contexts: [{ name: "away", context: { cluster: "away", user: "away" } }],
};
