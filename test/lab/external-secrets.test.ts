import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import type { PulumiStack } from "@mcp-fleet/engine";
import { isUserError } from "@mcp-fleet/errors";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

import { type Cluster, ensureCluster } from "../../lab/cluster";
import { ensureImages } from "../../lab/images";
import { type Kube, openKube } from "../../lab/kube";
import { consoleLog } from "../../lab/log";
import { eventually } from "../support/eventually";
import { restrictedNamespace } from "../support/example";
import { type ExternalSecrets, startExternalSecrets } from "../support/external-secrets";
import { labStack, serversAlone } from "../support/lab-stack";

const run = randomBytes(3).toString("hex");
const namespace = `external-${run}`;
/** Values that no state and no log may contain. */
const values = ["first", "second", "third", "url"].map((name) => `value-${name}-${run}`);
const [first = "", second = "", third = "", url = ""] = values;

/** The real operator, with the Secrets of another namespace as a store. */
describe("a server whose Secret the External Secrets Operator makes", function () {
  this.timeout(5 * 60_000);
  let cluster: Cluster;
  let kube: Kube;
  let image: string;
  let operator: ExternalSecrets | undefined;
  let stack: PulumiStack;

  before(async function () {
    this.timeout(45 * 60_000);
    cluster = await ensureCluster(consoleLog());
    if (cluster.engine !== "bare") {
      process.stdout.write("    skipped: a cluster of others may have the operator already\n");
      this.skip();
    }
    image = (await ensureImages(cluster, consoleLog(), ["llmctl-mcp"]))["llmctl-mcp"];
    kube = await openKube(cluster);
    await restrictedNamespace(kube, namespace);
    operator = await startExternalSecrets(cluster, kube, `operator-${run}`);
    stack = await labStack(`external-${run}`, cluster.kubeconfig, {});
  });

  after(async () => {
    await stack?.destroy().catch(() => undefined);
    await kube?.core.deleteNamespace({ name: namespace }).catch(() => undefined);
    await operator?.remove();
  });

  const token = { TOKEN: { key: "tools", property: "token" } };
  const configure = (keys: object, more: object): Promise<void> =>
    stack.configure(
      serversAlone(cluster, namespace, {
        application: "tools",
        servers: {
          tools: {
            ...{ image, port: 9020, path: "/mcp", row: false },
            secret: { external: { store: operator?.store, refreshInterval: "2s", keys } },
            ...more,
          },
        },
      }),
    );

  /** The output of all updates. */
  let log = "";
  /** The output of an update, and its changes. */
  const up = async (): Promise<{ said: string; changed: string[] }> => {
    let said = "";
    const automation = await stack.automation();
    const changed: string[] = [];
    await automation.up({
      color: "never",
      onOutput: (text) => {
        said += text;
        log += text;
      },
      onEvent: ({ resOutputsEvent: event }) => {
        if (event !== undefined && event.metadata.op !== "same")
          changed.push(`${event.metadata.op} ${event.metadata.urn.split("::").at(-1)}`);
      },
    });
    return { said, changed };
  };
  const pending = async (): Promise<string[]> =>
    (await stack.preview()).changes
      .filter(({ op }) => op !== "same")
      .map(({ op, urn }) => `${op} ${urn.split("::").at(-1)}`);

  /** Variables of the server's process, read over MCP. */
  const environment = async (): Promise<Record<string, string>> => {
    const service = await kube.core.readNamespacedService({ namespace, name: "tools-mcp" });
    const place = new URL(`http://${service.spec?.clusterIP}:9020/mcp`);
    // An update ends once the new pod is ready; the old one may still answer for a moment.
    await eventually("the old pod is gone", async () => {
      return (await kube.core.listNamespacedPod({ namespace })).items.length === 1;
    });
    let client = new Client({ name: "external-secrets", version: "1" });
    // A pod is ready a moment before its Service leads to it.
    await eventually("the Service leads to the pod", async () => {
      client = new Client({ name: "external-secrets", version: "1" });
      await client.connect(new StreamableHTTPClientTransport(place));
      return true;
    });
    try {
      const { content } = await client.callTool({ name: "get-env", arguments: {} });
      const [{ text = "" } = {}] = content as { text?: string }[];
      return JSON.parse(text) as Record<string, string>;
    } finally {
      await client.close();
    }
  };
  /** Waits until the operator has read the store again. */
  const made = (key: string, value: string): Promise<void> =>
    eventually(`the Secret has the new ${key}`, async () => {
      const secret = { namespace, name: "tools-mcp-secrets" };
      const { data = {} } = await kube.core.readNamespacedSecret(secret);
      return Buffer.from(data[key] ?? "", "base64").toString() === value;
    });

  it("is refused with the operator's own words where the store has no such entry, and no pod is made", async () => {
    await configure(token, { rolloutSeconds: 10 });
    const error: unknown = await stack.up().then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    assert.ok(isUserError(error), String(error));
    assert.match(
      error.problem,
      new RegExp(`did not make the Secret ${namespace}/tools-mcp-secrets within 10 seconds`),
    );
    assert.match(error.problem, /^The External Secrets Operator did not make /);
    assert.match(error.problem, /SecretSyncedError: .*\(key: tools\), err: .*not found\.$/);
    assert.match(error.fix, /kubectl -n \S+ describe externalsecret tools-mcp-secrets/);
    const { items } = await kube.core.listNamespacedPod({ namespace });
    assert.deepEqual(items, []);
  });

  it("waits for an entry that comes late, says what it waits for, and the server has the value", async () => {
    await configure(token, {});
    const [{ said }] = await Promise.all([
      up(),
      sleep(15_000).then(() => operator?.put("tools", { token: first })),
    ]);
    assert.match(said, /Waiting for the Secret \S+\/tools-mcp-secrets: SecretSyncedError: .*tools/);
    assert.equal((await environment()).TOKEN, first);
  });

  it("is left alone by an update that changes nothing", async () => {
    assert.deepEqual(await pending(), []);
    assert.deepEqual((await up()).changed, []);
  });

  it("keeps the value that it has when another is in the store, until an update rolls its pods", async () => {
    await operator?.put("tools", { token: second });
    await made("TOKEN", second);
    assert.equal((await environment()).TOKEN, first);
    assert.deepEqual(await pending(), ["update tools-mcp"]);
    assert.deepEqual((await up()).changed, ["update tools-mcp"]);
    assert.equal((await environment()).TOKEN, second);
    assert.deepEqual(await pending(), []);
  });

  it("has one more variable after the update that asks for it", async () => {
    await operator?.put("tools", { token: second, url });
    await configure({ ...token, TOOLS_URL: { key: "tools", property: "url" } }, {});
    await up();
    const { TOKEN, TOOLS_URL } = await environment();
    assert.deepEqual({ TOKEN, TOOLS_URL }, { TOKEN: second, TOOLS_URL: url });
    assert.deepEqual(await pending(), []);
  });

  it("is somebody else's to roll where the stack has a secretVersion", async () => {
    const keys = { ...token, TOOLS_URL: { key: "tools", property: "url" } };
    await configure(keys, { secretVersion: "1" });
    await up();
    await operator?.put("tools", { token: third, url });
    await made("TOKEN", third);
    assert.deepEqual(await pending(), []);
    assert.equal((await environment()).TOKEN, second);
    await configure(keys, { secretVersion: "2" });
    assert.deepEqual((await up()).changed, ["update tools-mcp"]);
    assert.equal((await environment()).TOKEN, third);
  });

  it("has its values in no state, no history, no log and no pod template", async () => {
    const { spec } = await kube.apps.readNamespacedDeployment({ namespace, name: "tools-mcp" });
    const seen = {
      log,
      state: await stack.ask(["stack", "export", "--show-secrets"]),
      history: await stack.ask(["stack", "history", "--json", "--show-secrets"]),
      template: JSON.stringify(spec),
    };
    for (const [where, text] of Object.entries(seen)) {
      const found = values.filter(
        (value) => text.includes(value) || text.includes(Buffer.from(value).toString("base64")),
      );
      assert.deepEqual(found, [], where);
    }
  });
});
