import assert from "node:assert/strict";

import type { DriftReport, VerifyReport } from "@mcp-fleet/operations";

import { labNamespace } from "../../lab/companions";
import type { ConfigOverrides } from "../../lab/config";
import { withClient } from "../../lab/database/access";
import type { Lab } from "../../lab/session";
import { mcpFleet } from "../support/cli";
import { installationBefore } from "../support/lab";
import { queryAt } from "../support/postgres";
import { tlsServerScript } from "../support/tls-server";
import { Authority } from "../unit/mcp-probe/authority";

const table = "tls_servers";
const url = `https://tools-mcp.${labNamespace}.svc.cluster.local:8443/mcp`;

/**
 * The row of an application other than Studio (which writes its rows' URLs itself): a server with a certificate
 * of a private authority, and a token in a header.
 */
describe("a server that serves TLS, and a header out of a Secret, on the engine", function () {
  this.timeout(10 * 60_000);
  const authority = new Authority("lab-corp");
  const stranger = new Authority("somebody-else");
  let lab: Lab;
  let stack: ConfigOverrides;

  before(async function () {
    this.timeout(60 * 60_000);
    lab = await installationBefore("jsonb");
    const role = decodeURIComponent(new URL(lab.database.cutoverUrl).username);
    await withClient(lab.database.superuserUrl, async (db) => {
      await db.query(`create table ${table} (server_key text primary key, config_json jsonb)`);
      await db.query(`grant all on ${table} to "${role}"`);
      await db.query(
        `insert into ${table} values ('tools', '{"command":"tools-mcp","args":["stdio"]}')`,
      );
    });
    await keep({ token: "lab-one-token", trusted: authority });
    stack = {
      servers: {
        tools: {
          image: lab.facts.images.github,
          command: ["node", "-e", tlsServerScript],
          port: 8443,
          health: "/healthz",
          tls: { ca: { configMap: "lab-ca", key: "ca.crt" } },
          gate: "start",
          headers: { Authorization: { secret: "lab-token", key: "token", prefix: "Bearer " } },
          volumes: { tls: { secret: "lab-tls", mount: "/tls" } },
          requiredTools: ["lookup"],
        },
      },
      serverSecrets: undefined,
      studio: { enabled: false },
      studioSecrets: undefined,
      deferred: [],
      cutover: {
        ...{ name: "tls/lab", fence: false, softReferences: [] },
        table: {
          ...{ schema: "public", table, key: ["server_key"], config: "config_json" },
          ...{ id: false, type: false, updatedAt: false },
        },
      },
    };
  });
  after(async () => {
    authority.remove();
    stranger.remove();
    if (lab === undefined) return;
    await lab.stack.destroy();
    await withClient(lab.database.superuserUrl, async (db) => {
      await db.query("drop schema if exists mcp_cutover cascade");
      await db.query(`drop table ${table}`);
    });
  });

  /** Foreign objects in the cluster: the server's certificate, the clients' authority, the token. */
  async function keep({ token, trusted }: { token: string; trusted: Authority }): Promise<void> {
    const host = new URL(url).hostname;
    const { key, cert } = authority.sign({ names: `DNS:${host}` });
    const object = (kind: string, name: string, content: object): object => ({
      ...{ apiVersion: "v1", kind, metadata: { namespace: labNamespace, name } },
      ...content,
    });
    await lab.kube.apply([
      object("Secret", "lab-tls", { stringData: { "tls.crt": cert, "tls.key": key } }),
      object("Secret", "lab-token", { stringData: { token: `${token}\n` } }),
      object("ConfigMap", "lab-ca", { data: { "ca.crt": trusted.certificate } }),
    ]);
  }

  const document = async (): Promise<unknown> => {
    const [row] = await queryAt(lab.database.superuserUrl, `select config_json from ${table}`);
    return row?.config_json;
  };
  const written = (token: string): object => ({
    ...{ url, transport: "streamable-http" },
    headers: { Authorization: `Bearer ${token}` },
  });

  /** Runs a command on the lab and returns its JSON with its exit code. */
  async function command<T>(...args: string[]): Promise<{ code: number; data: T }> {
    const {
      exitCode: code,
      stdout,
      stderr,
    } = await mcpFleet([...args, "--lab", "--output", "json"], {}, 300);
    assert.doesNotMatch(`${stdout}${stderr}`, /lab-(one|two)-token/, "a value is shown");
    if (stdout === "") assert.fail(`no answer: ${stderr}`);
    return { code, data: JSON.parse(stdout) as T };
  }
  const findings = async (): Promise<string[]> => {
    const { data } = await command<DriftReport>("drift");
    return data.findings.map(({ kind, subject }) => `${kind}/${subject}`);
  };

  it("moves the row to https with the Secret's value, which is in no state", async () => {
    const { outputs } = await lab.up("in-cluster", stack);
    assert.equal(outputs.generation, 1);
    assert.deepEqual(await document(), written("lab-one-token"));
    const state = await lab.stack.ask(["stack", "export", "--show-secrets"]);
    assert.ok(!state.includes("lab-one-token"));
    const { changes } = await lab.up("in-cluster", stack);
    assert.deepEqual([...new Set(changes.map(({ op }) => op))], ["same"]);
  });

  it("is asked by verify and by list --probe, each with its authority", async () => {
    const { code, data } = await command<VerifyReport>("verify");
    assert.equal(code, 0, JSON.stringify(data));
    assert.deepEqual([...new Set(data.servers.map((one) => one.url))], [url]);
    const { stdout, stderr } = await mcpFleet([
      ...["--kubeconfig", lab.cluster.kubeconfig, "--context", lab.cluster.context],
      ...["-n", labNamespace, "-o", "json", "list", "--probe"],
    ]);
    const [listed] = JSON.parse(stdout) as { probe?: { ok: boolean } }[];
    assert.equal(listed?.probe?.ok, true, stdout + stderr);
    assert.deepEqual(await findings(), []);
  });

  it("is refused with another authority, by the key that names it", async () => {
    await keep({ token: "lab-one-token", trusted: stranger });
    const { code, data } = await command<VerifyReport>("verify");
    assert.equal(code, 10);
    assert.match(
      data.servers[0]?.problem ?? "",
      /not trusted here .*it is not signed by the authority that tls\.ca of the server names/,
    );
    await keep({ token: "lab-one-token", trusted: authority });
  });

  it("has another value of the Secret found by drift and written by an update", async () => {
    await keep({ token: "lab-two-token", trusted: authority });
    assert.deepEqual(await findings(), ["stale-header/tools"]);
    const { changes } = await lab.preview("in-cluster", stack);
    const touched = changes.filter(({ op }) => op !== "same").map(({ type }) => type);
    assert.ok(
      touched.some((type) => type.endsWith(":Cutover")),
      touched.join(", "),
    );
    const { outputs } = await lab.up("in-cluster", stack);
    assert.equal(outputs.generation, 2);
    assert.deepEqual(await document(), written("lab-two-token"));
    assert.deepEqual(await findings(), []);
  });

  it("goes back without the Secret", async () => {
    await lab.kube.core.deleteNamespacedSecret({ namespace: labNamespace, name: "lab-token" });
    await lab.up("embedded", stack);
    assert.deepEqual(await document(), { command: "tools-mcp", args: ["stdio"] });
  });
});
