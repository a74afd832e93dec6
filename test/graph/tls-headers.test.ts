import assert from "node:assert/strict";

import * as pulumi from "@pulumi/pulumi";

import type { Recorder } from "../support/mocks";
import { type BadConfig, refusesEach } from "../support/refusal";
import { fullStack, runProgram, type TestConfig } from "../support/resources";

type Fields = Record<string, unknown>;
const cutover = "pulumi-nodejs:dynamic/mcp-fleet:Cutover";
const servers = fullStack.plain.servers as Record<string, object>;
const image = "registry.example/tools-mcp:1.2.3";
const authority = { configMap: "corp-ca", key: "ca.crt" };
const exporter = {
  image: "registry.example/mcp-fleet:1.0.0",
  database: { secret: "checks", key: "databaseUrl" },
};

/** The full stack with `tools` beside its servers. */
function stack(tools: Fields, plain: Fields = {}, secret: Fields = {}): TestConfig {
  const row = { seed: { values: { name: "Tools" } } };
  const own = { image, port: 8443, row, ...tools };
  return {
    plain: { ...fullStack.plain, ...plain, servers: { ...servers, tools: own } },
    secret: { ...fullStack.secret, ...secret },
  };
}

const clear = (value: unknown): unknown =>
  pulumi.runtime.isRpcSecret(value) ? pulumi.runtime.unwrapRpcSecret(value) : value;
const rowsOf = (recorder: Recorder): { spec: { rows: Fields[] }; targets: Fields[] } => {
  const { spec, targets } = recorder.one(cutover, "llmctl-studio-rows").inputs;
  return { spec: clear(spec), targets: clear(targets) } as never;
};
const podOf = (recorder: Recorder, name: string): Fields & { containers: Fields[] } =>
  (
    recorder.one("kubernetes:apps/v1:Deployment", name).inputs as {
      spec: { template: { spec: never } };
    }
  ).spec.template.spec;
const url = "https://tools-mcp.llmctl.svc.cluster.local:8443/mcp";

describe("a server that serves TLS itself", () => {
  it("has https in row, probe, outputs and clients' entries, and says on its Service what it speaks", async () => {
    const { recorder, outputs } = await runProgram(
      stack({ tls: { ca: authority }, health: "/healthz" }),
    );
    const { spec, targets } = rowsOf(recorder);
    assert.equal(spec.rows.find(({ key }) => key === "tools")?.url, url);
    const target = targets.find(({ name }) => name === "tools");
    assert.deepEqual([target?.url, target?.caFrom], [url, authority]);
    assert.ok(targets.every(({ name, caFrom }) => (name === "tools") === (caFrom !== undefined)));
    assert.equal((outputs.servers as Fields).tools, url);
    assert.match(JSON.stringify(outputs.mcpJson), new RegExp(`"url":"${url}"`));
    const service = recorder.one("kubernetes:core/v1:Service", "tools-mcp").inputs as {
      metadata: { annotations: Fields };
      spec: { ports: Fields[] };
    };
    assert.deepEqual(service.spec.ports, [
      { name: "http", port: 8443, targetPort: "http", protocol: "TCP", appProtocol: "https" },
    ]);
    assert.equal(service.metadata.annotations["mcp-fleet.dev/ca"], "configmap/corp-ca/ca.crt");
    const [container] = podOf(recorder, "tools-mcp").containers;
    for (const name of ["startupProbe", "readinessProbe", "livenessProbe"])
      assert.deepEqual((container?.[name] as Fields).httpGet, {
        ...{ path: "/healthz", port: "http", scheme: "HTTPS" },
      });
  });

  it("of a public authority has https too, and nothing to trust", async () => {
    const { recorder } = await runProgram(stack({ tls: {}, health: { path: "/h" } }));
    const { targets } = rowsOf(recorder);
    const target = targets.find(({ name }) => name === "tools");
    assert.deepEqual([target?.url, target?.caFrom], [url, undefined]);
    const studio = podOf(recorder, "llmctl-studio");
    assert.equal(studio.containers[0]?.env, undefined);
    const { metadata } = recorder.one("kubernetes:core/v1:Service", "tools-mcp").inputs as {
      metadata: { annotations: Fields };
    };
    assert.ok(!("mcp-fleet.dev/ca" in metadata.annotations));
  });

  it("is trusted by Studio, which has the authority's key mounted and no other", async () => {
    const tls = { ca: { secret: "tools-tls", key: "ca.crt" } };
    const { recorder } = await runProgram(stack({ tls }));
    const { containers, volumes } = podOf(recorder, "llmctl-studio");
    assert.deepEqual(containers[0]?.env, [
      { name: "NODE_EXTRA_CA_CERTS", value: "/etc/mcp-fleet/ca/ca.crt" },
    ]);
    assert.deepEqual(
      (volumes as Fields[]).find(({ name }) => name === "authority"),
      {
        name: "authority",
        secret: {
          ...{ secretName: "tools-tls", defaultMode: 0o440 },
          items: [{ key: "ca.crt", path: "ca.crt" }],
        },
      },
    );
  });

  it("is trusted by the variables that are named, but for those that the stack sets", async () => {
    const studio = {
      ...(fullStack.plain.studio as Fields),
      trust: {
        ca: { configMap: "bundle", key: "all.pem" },
        variables: ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"],
      },
      env: { SSL_CERT_FILE: "/own.pem" },
    };
    const { recorder } = await runProgram(stack({ tls: { ca: authority } }, { studio }));
    assert.deepEqual(podOf(recorder, "llmctl-studio").containers[0]?.env, [
      { name: "REQUESTS_CA_BUNDLE", value: "/etc/mcp-fleet/ca/all.pem" },
    ]);
    const { probe } = recorder.one(cutover, "llmctl-studio-rows").inputs as { probe: Fields };
    assert.deepEqual(probe.needs, { "studio.trust.ca": studio.trust.ca });
  });

  it("is nothing that a way back waits for", async () => {
    const { recorder } = await runProgram(
      stack({ tls: { ca: authority } }, { target: "embedded" }),
    );
    const { containers, volumes } = podOf(recorder, "llmctl-studio");
    assert.equal(containers[0]?.env, undefined);
    assert.ok(!JSON.stringify(volumes).includes("corp-ca"));
  });

  it("is asked by the exporter with what is mounted into it, and by the manager with a right to one ConfigMap", async () => {
    const { recorder } = await runProgram(
      stack(
        {
          tls: { ca: authority },
          headers: { Authorization: { secret: "tools-token", key: "token", prefix: "Bearer " } },
        },
        {
          observability: { enabled: true, scrapers: {}, exporter },
          manager: { enabled: true, image: "registry.example/mcp-fleet:1.0.0" },
        },
      ),
    );
    const { stringData } = recorder.one(
      "kubernetes:core/v1:Secret",
      "llmctl-studio-exporter",
    ).inputs;
    const fleet = JSON.parse((clear(stringData) as Record<string, string>)["fleet.json"] ?? "") as {
      spec: { rows: Fields[] };
      targets: Fields[];
    };
    const target = fleet.targets.find(({ name }) => name === "tools");
    const volumes = podOf(recorder, "llmctl-studio-exporter").volumes as Fields[];
    const from = (target?.headersFrom as Record<string, { file: string; prefix: string }>)
      .Authorization;
    assert.match(from?.file ?? "", /^\/kept\/\d\/token$/);
    assert.equal(from?.prefix, "Bearer ");
    assert.match((target?.caFrom as { file: string }).file, /^\/kept\/\d\/ca\.crt$/);
    const row = fleet.spec.rows.find(({ key }) => key === "tools");
    assert.deepEqual(row?.headersFrom, { Authorization: from });
    const mounted = JSON.stringify(volumes);
    assert.match(mounted, /"name":"corp-ca"/);
    assert.match(mounted, /"secretName":"tools-token"/);
    const { rules } = recorder.one(
      "kubernetes:rbac.authorization.k8s.io/v1:Role",
      "llmctl-studio-manager",
    ).inputs as { rules: Fields[] };
    assert.deepEqual(
      rules.filter(({ resources }) => /configmaps|secrets/.test(String(resources))),
      [{ apiGroups: [""], resources: ["configmaps"], resourceNames: ["corp-ca"], verbs: ["get"] }],
    );
  });
});

describe("a header whose value comes from a Secret", () => {
  const header = { secret: "tools-token", key: "token", prefix: "Bearer " };

  it("is told to rows and probe by its place: no value is in what the engine keeps", async () => {
    const { recorder } = await runProgram(
      stack({ headers: { Authorization: header, "X-Tenant": "studio" } }),
    );
    const { spec, targets } = rowsOf(recorder);
    const row = spec.rows.find(({ key }) => key === "tools");
    const from = { Authorization: { namespace: "llmctl", ...header } };
    assert.deepEqual([row?.headers, row?.headersFrom], [{ "X-Tenant": "studio" }, from]);
    const target = targets.find(({ name }) => name === "tools");
    assert.deepEqual([target?.headers, target?.headersFrom], [{ "X-Tenant": "studio" }, from]);
  });

  it("of an operator's Secret is read under the name that the operator makes", async () => {
    const { recorder } = await runProgram(
      stack({
        secret: { external: { store: "vault", from: "mcp/tools" } },
        headers: { "X-Token": { secretKey: "TOKEN" } },
      }),
    );
    const row = rowsOf(recorder).spec.rows.find(({ key }) => key === "tools");
    assert.deepEqual(row?.headersFrom, {
      "X-Token": { namespace: "llmctl", secret: "tools-mcp-secrets", key: "TOKEN" },
    });
  });

  it("of the stack's own secrets is in the row, encrypted, and in no hash", async () => {
    const headers = { Authorization: { secretKey: "TOKEN", prefix: "Bearer " } };
    const hashes: unknown[] = [];
    for (const token of ["first-secret", "other-secret"]) {
      const own = {
        ...(fullStack.secret?.serverSecrets as Fields),
        tools: { TOKEN: `${token}\n` },
      };
      const { recorder } = await runProgram(stack({ headers }, {}, { serverSecrets: own }));
      const { inputs } = recorder.one(cutover, "llmctl-studio-rows");
      for (const name of ["spec", "targets"])
        assert.ok(pulumi.runtime.isRpcSecret(inputs[name]), name);
      const { spec, targets } = rowsOf(recorder);
      const row = spec.rows.find(({ key }) => key === "tools");
      assert.deepEqual(row?.headers, { Authorization: `Bearer ${token}` });
      assert.deepEqual(row.headersFrom, { Authorization: { stack: "serverSecrets.tools.TOKEN" } });
      const target = targets.find(({ name }) => name === "tools");
      assert.deepEqual(target?.headers, { Authorization: `Bearer ${token}` });
      const rest = { ...inputs, spec: undefined, targets: undefined };
      assert.ok(!JSON.stringify(rest).includes(token));
      hashes.push(inputs.specHash);
    }
    assert.equal(hashes[0], hashes[1]);
    const { recorder } = await runProgram(
      stack(
        { headers: { ...headers, "X-Tenant": "studio" } },
        {},
        {
          serverSecrets: { ...(fullStack.secret?.serverSecrets as Fields), tools: { TOKEN: "x" } },
        },
      ),
    );
    assert.notEqual(recorder.one(cutover, "llmctl-studio-rows").inputs.specHash, hashes[0]);
  });

  const secrets = (value: string): Fields => ({
    serverSecrets: { ...(fullStack.secret?.serverSecrets as Fields), tools: { TOKEN: value } },
  });
  const cases: BadConfig[] = [
    {
      what: "a secret that no header can hold",
      plain: stack({ headers: { "X-Token": { secretKey: "TOKEN" } } }).plain,
      secret: secrets("clear-secret\nof two lines"),
      names: /\[serverSecrets\.tools\.TOKEN\] is not one line of ASCII/,
      fix: /servers\.tools\.headers\.X-Token/,
    },
    {
      what: "a secret of nothing but a line end",
      plain: stack({ headers: { "X-Token": { secretKey: "TOKEN", prefix: "Bearer " } } }).plain,
      secret: secrets("\n"),
      names: /\[serverSecrets\.tools\.TOKEN\] is empty, and a header is made of it/,
      fix: /servers\.tools\.headers\.X-Token/,
    },
    {
      what: "a credential as text",
      plain: stack({ headers: { Authorization: "Bearer clear-secret" } }).plain,
      names: /\[servers\.tools\.headers\.Authorization\] contains a credential as plain text/,
      fix: /\{secret: <name of a Secret>, key: <key>, prefix: "Bearer "\}/,
    },
    {
      what: "two authorities for the one file that Studio can be named",
      plain: {
        servers: {
          ...servers,
          tools: { image, port: 8443, tls: { ca: authority } },
          more: { image, port: 8444, tls: { ca: { secret: "more-tls" } } },
        },
      },
      names: /\[studio\.trust\.ca\] is missing: the servers have several authorities/,
      fix: /holds the certificates of all of them, or set studio\.trust to false/,
    },
  ];
  refusesEach(cases);
});
