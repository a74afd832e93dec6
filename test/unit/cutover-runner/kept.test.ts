import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import {
  type CutoverInputs,
  observeStep,
  previewRows,
  probeServers,
  specFor,
} from "@mcp-fleet/cutover-runner";
import { requireKept } from "@mcp-fleet/cutover-runner/dist/kept";
import { isUserError } from "@mcp-fleet/errors";
import { connectKube } from "@mcp-fleet/kube";
import { specHash } from "@mcp-fleet/row-cutover";

import { sendJson, type StubApi, stubApi } from "../../support/api-server";
import { Authority } from "../mcp-probe/authority";
import { closeServers, mcpServer } from "../mcp-probe/servers";

type Spec = CutoverInputs["spec"];

const row = {
  ...{ key: "tools", url: "https://tools-mcp.apps.svc.cluster.local:8443/mcp" },
  transport: "streamable-http" as const,
  headers: { "X-Tenant": "studio" },
  headersFrom: {
    Authorization: { namespace: "apps", secret: "tools-token", key: "token", prefix: "Bearer " },
  },
};
const spec = {
  name: "mcp-fleet/test",
  table: { schema: "public", table: "mcp_servers", key: ["server_key"], config: "config_json" },
  rows: [row],
  ...{ deferred: [], skip: [], softReferences: [], onConflict: "fail", fence: false },
} as unknown as Spec;
const kubernetes = {};
const inputs = { spec, kubernetes, target: "in-cluster" as const };

const encoded = (text: string): string => Buffer.from(text).toString("base64");

describe("cutover-runner: what is kept in the cluster", () => {
  let api: StubApi | undefined;
  afterEach(async () => {
    api?.die();
    await closeServers();
  });

  /** A cluster with this Secret, or with this status as the answer; ConfigMaps are separate. */
  async function cluster(
    secret: Readonly<Record<string, string>> | number,
    configMap: Readonly<Record<string, string>> | number = 404,
  ): Promise<{ kubeconfig: string }> {
    api = await stubApi((_request, response, { pathname }) => {
      const answer = pathname.includes("/configmaps/") ? configMap : secret;
      if (typeof answer === "number")
        return sendJson(response, answer, { message: `no: ${pathname}` });
      const values = Object.entries(answer);
      const data = pathname.includes("/configmaps/")
        ? answer
        : Object.fromEntries(values.map(([key, value]) => [key, encoded(value)]));
      return sendJson(response, 200, { data });
    });
    return { kubeconfig: api.kubeconfig };
  }

  it("is put into the row's headers for the run alone, and changes no hash", async () => {
    const credentials = await cluster({ token: "s3cret-one\n" });
    const filled = await specFor(inputs, credentials);
    assert.deepEqual(filled.rows[0]?.headers, {
      "X-Tenant": "studio",
      Authorization: "Bearer s3cret-one",
    });
    assert.equal(specHash(filled, "in-cluster"), specHash(spec, "in-cluster"));
    api?.die();
    const rotated = await specFor(inputs, await cluster({ token: "s3cret-two" }));
    assert.equal(rotated.rows[0]?.headers?.Authorization, "Bearer s3cret-two");
    assert.equal(specHash(rotated, "in-cluster"), specHash(spec, "in-cluster"));
    assert.deepEqual(api?.asked, ["/api/v1/namespaces/apps/secrets/tools-token"]);
    const elsewhere = {
      ...row,
      headersFrom: { Authorization: { ...row.headersFrom.Authorization, key: "b" } },
    };
    assert.notEqual(
      specHash({ ...spec, rows: [elsewhere] }, "in-cluster"),
      specHash(spec, "in-cluster"),
    );
  });

  it("is not asked for on the way back, nor where no header is kept", async () => {
    const credentials = await cluster(404);
    assert.equal(await specFor({ ...inputs, target: "embedded" }, credentials), spec);
    const { headersFrom: _, ...plain } = row;
    const without = { ...spec, rows: [plain] };
    assert.equal(await specFor({ ...inputs, spec: without }, credentials), without);
    assert.deepEqual(api?.asked, []);
  });

  for (const [what, content, problem] of [
    [
      "is not there",
      404,
      /^\[servers\.tools\.headers\.Authorization\] There is no Secret tools-token in namespace apps\.$/,
    ],
    [
      "may not be read",
      403,
      /^\[servers\.tools\.headers\.Authorization\] Secret apps\/tools-token may not be read by this identity\.$/,
    ],
    ["has no such key", { other: "s3cret" }, /has no key token\.$/],
    ["holds nothing at all", {}, /has no key token\.$/],
  ] as const) {
    it(`says by its key that it ${what}: a run is refused, and a preview goes on`, async () => {
      const credentials = {
        ...(await cluster(content)),
        databaseUrl: "postgresql://u:p@127.0.0.1:1/x",
      };
      await assert.rejects(specFor(inputs, credentials), (error) => {
        assert.ok(isUserError(error));
        assert.match(error.problem, problem);
        assert.ok(!error.message.includes("s3cret"));
        return true;
      });
      const all = { ...inputs, database: { connect: "direct" as const } };
      const seen = await previewRows(all, credentials);
      assert.ok("unreachable" in seen);
      assert.match(seen.unreachable, problem);
      assert.deepEqual(await observeStep(all, credentials), { reached: false, pending: false });
    });
  }

  it("refuses a value that no header can hold, without any of it", async () => {
    await assert.rejects(specFor(inputs, await cluster({ token: "s3cret\nline" })), (error) => {
      assert.ok(isUserError(error));
      assert.match(
        error.problem,
        /The value under token of Secret apps\/tools-token is not one line of ASCII/,
      );
      assert.ok(!error.message.includes("s3cret"));
      return true;
    });
  });

  it("takes no key for one that every object of JavaScript has", async () => {
    const { Authorization: from } = row.headersFrom;
    const named = { ...row, headersFrom: { Authorization: { ...from, key: "constructor" } } };
    await assert.rejects(
      specFor({ ...inputs, spec: { ...spec, rows: [named] } }, await cluster({ token: "s3cret" })),
      /Secret apps\/tools-token has no key constructor\./,
    );
  });

  it("has the bundle be there that the application mounts, where it may be looked at", async () => {
    const spec = {
      namespace: "apps",
      needs: { "studio.trust.ca": { configMap: "all", key: "a" } },
    };
    const ask = async (configMap: Readonly<Record<string, string>> | number): Promise<void> =>
      requireKept(await connectKube({}, await cluster(404, configMap)), [], spec);
    await assert.rejects(
      ask(404),
      /\[studio\.trust\.ca\] There is no ConfigMap all in namespace apps/,
    );
    await assert.rejects(ask({ b: "x" }), /\[studio\.trust\.ca\] ConfigMap apps\/all has no key a/);
    await ask({ a: "x" });
    await ask(403);
  });

  it("says that a value is empty", async () => {
    await assert.rejects(specFor(inputs, await cluster({ token: "\n" })), (error) => {
      assert.ok(isUserError(error));
      assert.match(error.problem, /The value under token of Secret apps\/tools-token is empty\.$/);
      return true;
    });
  });

  describe("a server with a private authority, asked from here", () => {
    const own = new Authority("corp");
    const tls = own.sign({ names: "IP:127.0.0.1" });
    let directory = "";
    before(() => {
      directory = mkdtempSync(join(tmpdir(), "mcp-kept-"));
    });
    after(() => {
      own.remove();
      rmSync(directory, { recursive: true });
    });

    const asked = (url: string, more: object): Parameters<typeof probeServers>[0] => ({
      spec: { name: "test" },
      probe: { from: "here", namespace: "apps", consumers: [], deadlineSeconds: 1 },
      targets: [{ name: "tools (row.path)", url, ...more }],
      kubernetes: {},
    });

    it("passes with what the ConfigMap and the Secret hold, by the Kubernetes API or as files", async () => {
      const server = await mcpServer({ works: true }, tls);
      const credentials = await cluster({ token: "s3cret-value" }, { "ca.crt": own.certificate });
      const kept = {
        caFrom: { configMap: "corp-ca", key: "ca.crt" },
        headersFrom: row.headersFrom,
      };
      await probeServers(asked(server.url, kept), credentials);
      assert.deepEqual([...(api?.asked ?? [])].sort(), [
        "/api/v1/namespaces/apps/configmaps/corp-ca",
        "/api/v1/namespaces/apps/secrets/tools-token",
      ]);
      const token = join(directory, "token");
      writeFileSync(token, "s3cret-file\n");
      const mounted = {
        caFrom: { file: own.file },
        headersFrom: { Authorization: { file: token, prefix: "Bearer " } },
      };
      await probeServers(asked(server.url, mounted), {});
      const seen = new Set(server.seen.map(({ headers }) => headers.authorization));
      assert.deepEqual([...seen], ["Bearer s3cret-value", "Bearer s3cret-file"]);
    });

    it("is refused by the key of its server where there is no authority", async () => {
      const server = await mcpServer({ works: true }, tls);
      const kept = { caFrom: { configMap: "corp-ca", key: "ca.crt" } };
      await assert.rejects(
        probeServers(asked(server.url, kept), await cluster(404)),
        /^UserError: \[servers\.tools\.tls\.ca\] There is no ConfigMap corp-ca in namespace apps\./,
      );
      await assert.rejects(
        probeServers(asked(server.url, {}), {}),
        /is not trusted here .*; name its authority in tls\.ca of the server/,
      );
    });
  });
});
