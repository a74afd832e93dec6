import assert from "node:assert/strict";
import { type AddressInfo, createServer } from "node:net";

import * as pulumi from "@pulumi/pulumi";

import type { Recorded, Recorder } from "../support/mocks";
import { promiseOf } from "../support/outputs";
import { fullStack, runProgram, type TestConfig } from "../support/resources";

const deployment = "kubernetes:apps/v1:Deployment";
const cutover = "pulumi-nodejs:dynamic/mcp-fleet:Cutover";
const settle = "pulumi-nodejs:dynamic/mcp-fleet:Settle";
const serverNames = [
  "llmctl-mcp",
  "llmctl-mcp-atlassian",
  "llmctl-mcp-chroma",
  "llmctl-mcp-github",
  "llmctl-mcp-google-cloud",
];

function changed(plain: Record<string, unknown>): TestConfig {
  return { ...fullStack, plain: { ...fullStack.plain, ...plain } };
}

/** Every string in `value` that is not inside of a secret. */
function clearText(value: unknown): string[] {
  if (pulumi.runtime.isRpcSecret(value)) return [];
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(clearText);
}

function template(recorded: Recorded): { metadata: unknown; spec: Record<string, unknown> } {
  const spec = recorded.inputs.spec as { template: never };
  return spec.template;
}

async function names(running: Promise<{ recorder: Recorder }>): Promise<string[]> {
  const { recorder } = await running;
  return recorder.resources.map((one) => `${one.type} ${one.name}`).sort();
}

describe("the stack", () => {
  it("registers the cutover only after every server is there, then Studio, then Settle", async () => {
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    let atlassianWaits = (): void => undefined;
    const waiting = new Promise<void>((resolve) => (atlassianWaits = resolve));
    const seen: string[] = [];
    const running = runProgram(fullStack, {
      hold: (type, name) => {
        seen.push(`${type} ${name}`);
        if (type !== deployment || name !== "llmctl-mcp-atlassian") return undefined;
        atlassianWaits();
        return released;
      },
    });
    await waiting;
    // Long enough for everything that does not wait for the last Deployment to be registered.
    await new Promise((resolve) => setTimeout(resolve, 250));
    assert.deepEqual(
      seen.filter((one) => one.includes(":dynamic/")),
      [],
    );
    assert.ok(!seen.includes(`${deployment} llmctl-studio`));
    assert.ok(!seen.includes("mcp-fleet:studio:Studio llmctl-studio"));
    release();
    const { recorder } = await running;

    const at = (type: string, name: string): number => recorder.one(type, name).order;
    const rows = at(cutover, "llmctl-studio-rows");
    for (const name of serverNames) {
      assert.ok(at(deployment, name) < rows, name);
      assert.ok(at("kubernetes:core/v1:Service", name) < rows, name);
      assert.ok(at("kubernetes:networking.k8s.io/v1:NetworkPolicy", name) < rows, name);
    }
    // The probe runs as this account.
    assert.ok(at("kubernetes:core/v1:ServiceAccount", "llmctl-studio") < rows);
    const studio = at(deployment, "llmctl-studio");
    assert.ok(rows < at("kubernetes:core/v1:ConfigMap", "llmctl-studio-config"));
    assert.ok(rows < studio);
    assert.ok(studio < at(settle, "llmctl-studio-settle"));
  });

  it("hands the cutover the rows, targets and positions of the configuration", async () => {
    const { recorder, outputs } = await runProgram(fullStack);
    const { inputs } = recorder.one(cutover, "llmctl-studio-rows");
    const spec = inputs.spec as {
      name: string;
      rows: Record<string, unknown>[];
      deferred: unknown;
    };
    assert.equal(spec.name, "mcp-fleet/test");
    assert.deepEqual(spec.deferred, ["google-workspace"]);
    assert.deepEqual(Object.fromEntries(spec.rows.map((row) => [row.key, row.url])), {
      "llmctl-mcp": "http://llmctl-mcp.llmctl.svc.cluster.local:9020/mcp",
      github: "http://llmctl-mcp-github.llmctl.svc.cluster.local:8000/mcp",
      atlassian: "http://llmctl-mcp-atlassian.llmctl.svc.cluster.local:8000/mcp",
      chroma: "http://llmctl-mcp-chroma.llmctl.svc.cluster.local:8000/mcp",
      "google-cloud": "http://llmctl-mcp-google-cloud.llmctl.svc.cluster.local:8000/mcp",
    });
    const atlassian = spec.rows.find((row) => row.key === "atlassian");
    assert.deepEqual(atlassian?.aliases, ["jira"]);
    assert.deepEqual(atlassian?.secretKeys, [
      ...["ALLOW_GLOBAL_CRED_FALLBACK", "HOME", "IGNORE_HEADER_AUTH"],
      ...["JIRA_API_TOKEN", "JIRA_URL", "JIRA_USERNAME"],
    ]);
    const seeded = spec.rows.filter((row) => row.seed !== undefined).map((row) => row.key);
    assert.deepEqual(seeded, ["llmctl-mcp"]);
    assert.deepEqual((inputs.probe as { consumers: unknown }).consumers, [
      {
        name: "web",
        labels: {
          "app.kubernetes.io/name": "llmctl-studio",
          "app.kubernetes.io/component": "web",
        },
        serviceAccount: "llmctl-studio",
      },
      { name: "executor", labels: { "llmctl.executor": "true" } },
    ]);
    const targets = inputs.targets as { name: string; requiredTools?: string[] }[];
    assert.deepEqual(
      targets.map((one) => one.name).sort(),
      Object.keys(outputs.servers as object).sort(),
    );
    assert.equal(await promiseOf(outputs.generation as pulumi.Output<number>), 1);
  });

  it("gives the probe a server's time for a request and a consumer's protocols (issue 18, items 9 and 10)", async () => {
    const servers = fullStack.plain.servers as Record<string, object>;
    const told = async (plain: Record<string, unknown>): Promise<[unknown, unknown[]]> => {
      const { recorder } = await runProgram(changed(plain));
      const { inputs } = recorder.one(cutover, "llmctl-studio-rows");
      const { consumers } = inputs.probe as { consumers: { protocols?: string[] }[] };
      const targets = inputs.targets as { name: string; answerSeconds: number }[];
      return [
        targets.find(({ name }) => name === "github")?.answerSeconds,
        consumers.map(({ protocols }) => protocols),
      ];
    };
    assert.deepEqual(await told({}), [60, [undefined, undefined]]);
    const github = { ...servers.github, startSeconds: 90 };
    assert.equal((await told({ servers: { ...servers, github } }))[0], 90);
    const [seconds, protocols] = await told({
      servers: { ...servers, github: { ...github, requestSeconds: 7 } },
      studio: { ...(fullStack.plain.studio as object), protocols: ["2025-06-18", "2026-07-28"] },
      consumers: [{ name: "executor", labels: { a: "b" }, protocols: ["2025-03-26"] }],
    });
    assert.deepEqual([seconds, protocols], [7, [["2025-06-18", "2026-07-28"], ["2025-03-26"]]]);
    await assert.rejects(
      told({ consumers: [{ name: "executor", labels: { a: "b" }, protocols: ["2025"] }] }),
      /consumers\b.*protocols/,
    );
  });

  it("gives a row another path than its server's, and probes both (issue 16, item 20)", async () => {
    const servers = fullStack.plain.servers as Record<string, object>;
    const planOf = async (row: object, path?: string): Promise<Record<string, unknown>> => {
      const github = { ...servers.github, row, ...(path === undefined ? {} : { path }) };
      const { recorder, outputs } = await runProgram(changed({ servers: { ...servers, github } }));
      const { inputs } = recorder.one(cutover, "llmctl-studio-rows");
      const { rows } = inputs.spec as { rows: { key: string; url: string }[] };
      const service = recorder.one("kubernetes:core/v1:Service", "llmctl-mcp-github");
      const { annotations } = service.inputs.metadata as { annotations: Record<string, string> };
      const urls = outputs.servers as Record<string, pulumi.Output<string>>;
      return {
        row: rows.find(({ key }) => key === "github"),
        targets: (inputs.targets as { name: string; url: string; minTools: number }[])
          .filter(({ name }) => name.startsWith("github"))
          .map(({ name, url, minTools }) => [name, url, minTools]),
        path: annotations["mcp-fleet.dev/mcp-path"],
        output: await promiseOf(pulumi.output(urls.github)),
        hash: inputs.specHash,
      };
    };
    const at = "http://llmctl-mcp-github.llmctl.svc.cluster.local:8000/mcp";
    const plain = await planOf({});
    assert.deepEqual(await planOf({ path: "/mcp", applicationOwns: [] }), plain);

    const other = await planOf({ path: "/mcp/" });
    assert.equal((other.row as { url: string }).url, `${at}/`);
    assert.deepEqual(other.targets, [
      ["github", at, 1],
      ["github (row.path)", `${at}/`, 1],
    ]);
    assert.deepEqual([other.path, other.output], ["/mcp", at]);
    assert.notEqual(other.hash, plain.hash);

    // Where the server serves it alone, it is the server's path, and there is one URL to probe.
    const own = await planOf({}, "/mcp/");
    assert.deepEqual(own.targets, [["github", `${at}/`, 1]]);
    assert.deepEqual([own.path, own.output], ["/mcp/", `${at}/`]);

    const owned = await planOf({ applicationOwns: ["url"] });
    assert.deepEqual(owned.row, { ...(plain.row as object), applicationOwns: ["url"] });
    assert.deepEqual(owned.targets, plain.targets);
    assert.notEqual(owned.hash, plain.hash);
  });

  it("has one plan whatever the order of the servers in the configuration", async () => {
    const hashOf = async (servers: object): Promise<unknown> => {
      const { recorder } = await runProgram(changed({ servers }));
      return recorder.one(cutover, "llmctl-studio-rows").inputs.specHash;
    };
    const servers = fullStack.plain.servers as object;
    const backwards = Object.fromEntries(Object.entries(servers).reverse());
    assert.notDeepEqual(Object.keys(backwards), Object.keys(servers));
    assert.equal(await hashOf(backwards), await hashOf(servers));
  });

  it("puts the generation on Studio's pods and tells them mode and namespace", async () => {
    const { recorder } = await runProgram(fullStack, { generation: 7 });
    const pod = template(recorder.one(deployment, "llmctl-studio"));
    const metadata = pod.metadata as Record<"labels" | "annotations", Record<string, string>>;
    assert.equal(metadata.labels["mcp-fleet.dev/generation"], "7");
    assert.equal(metadata.annotations["mcp-fleet.dev/generation"], "7");
    const config = recorder.one("kubernetes:core/v1:ConfigMap", "llmctl-studio-config").inputs;
    assert.deepEqual(config.data, {
      STUDIO_MODE: "in-cluster",
      PORT: "8080",
      LLMCTL_NODE_EXECUTOR_K8S_NAMESPACE: "llmctl",
    });
    const service = recorder.one("kubernetes:core/v1:Service", "llmctl-studio").inputs;
    const selector = (service.spec as { selector: Record<string, string> }).selector;
    // A probe Job wears the consumer's labels; this one more keeps it from Studio's requests.
    assert.equal(selector["mcp-fleet.dev/workload"], "studio");
    assert.equal(metadata.labels["mcp-fleet.dev/workload"], "studio");
  });

  it("leaves no secret in clear anywhere, the provider's text included (S35)", async () => {
    const { recorder } = await runProgram(fullStack);
    const clear = recorder.resources.flatMap((one) => clearText(one.inputs)).join("\n");
    for (const secret of ["dsn-secret", "own-secret", "pat-secret", "jira-secret"]) {
      assert.ok(!clear.includes(secret), secret);
    }
    const studio = recorder.one("kubernetes:core/v1:Secret", "llmctl-studio-secret").inputs;
    assert.ok(pulumi.runtime.isRpcSecret(studio.stringData));
    assert.match(
      JSON.stringify(studio.stringData),
      /"DATABASE_URL":"postgresql:\/\/studio:own-secret/,
    );
    assert.ok(!JSON.stringify(studio).includes("dsn-secret"), "the cutover's DSN is not Studio's");
  });

  it("keeps headers encrypted in the cutover's inputs and outputs (S35)", async () => {
    const servers = fullStack.plain.servers as Record<string, object>;
    const github = { ...servers.github, headers: { "X-Tenant": "header-secret" } };
    const { recorder } = await runProgram(changed({ servers: { ...servers, github } }));
    const rows = recorder.one(cutover, "llmctl-studio-rows");
    const end = recorder.one(settle, "llmctl-studio-settle");
    for (const one of [rows, end]) {
      assert.ok(pulumi.runtime.isRpcSecret(one.inputs.spec), one.name);
      assert.match(JSON.stringify(one.inputs.spec), /header-secret/);
    }
    assert.ok(pulumi.runtime.isRpcSecret(rows.inputs.targets));
    assert.ok(!clearText([rows.inputs, end.inputs]).join("\n").includes("header-secret"));
    assert.equal(typeof rows.inputs.specHash, "string", "diff needs it in clear");
  });

  it("runs every pod under the restricted profile", async () => {
    const { recorder } = await runProgram(fullStack);
    const pods = recorder.of(deployment);
    assert.equal(pods.length, 6);
    for (const one of pods) {
      const { spec } = template(one);
      const [container] = spec.containers as { securityContext: unknown; env?: unknown }[];
      assert.equal(spec.automountServiceAccountToken, false, one.name);
      assert.equal(spec.enableServiceLinks, false, one.name);
      assert.deepEqual(
        container?.securityContext,
        {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          runAsNonRoot: true,
          capabilities: { drop: ["ALL"] },
        },
        one.name,
      );
    }
  });

  it("registers the same in a preview as in an update: nothing is made inside of an apply", async () => {
    const update = await names(runProgram(fullStack));
    const config = {
      ...fullStack,
      secret: { ...fullStack.secret, databaseUrl: "postgresql://app:x@127.0.0.1:1/studio" },
    };
    assert.deepEqual(await names(runProgram(config, { preview: true })), update);
  });

  it("previews the rows as the cutover's own role, which the ledger belongs to", async () => {
    let asked = "";
    const server = createServer((socket) => {
      socket.once("data", (packet) => {
        asked += packet.toString("latin1");
        socket.destroy();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const config = changed({ database: { tls: "disable", manage: {} } });
    const databaseUrl = `postgresql://admin:x@127.0.0.1:${port}/studio`;
    try {
      await runProgram({ ...config, secret: { ...config.secret, databaseUrl } }, { preview: true });
      // The program does not wait for what a preview only tells.
      for (let turn = 0; turn < 100 && asked === ""; turn += 1)
        await new Promise((resolve) => setTimeout(resolve, 25));
    } finally {
      server.close();
    }
    assert.match(asked, /user\0mcp_cutover\0/);
    assert.doesNotMatch(asked, /user\0admin\0/);
  });

  it("rolls back in the same order, with the servers still there and the embedded image (S24)", async () => {
    const { recorder } = await runProgram(changed({ target: "embedded" }));
    assert.equal(recorder.one(cutover, "llmctl-studio-rows").inputs.target, "embedded");
    const studio = recorder.one(deployment, "llmctl-studio");
    const [container] = template(studio).spec.containers as { image: string }[];
    assert.equal(container?.image, "registry.example/studio:1.0.0");
    const config = recorder.one("kubernetes:core/v1:ConfigMap", "llmctl-studio-config").inputs;
    assert.equal((config.data as Record<string, string>).STUDIO_MODE, "embedded");
    assert.ok(recorder.one(cutover, "llmctl-studio-rows").order < studio.order);
    assert.deepEqual(
      recorder
        .of(deployment)
        .map((one) => one.name)
        .sort(),
      [...serverNames, "llmctl-studio"].sort(),
    );
  });

  it("starts from a baseline without servers", async () => {
    const baseline: TestConfig = {
      ...changed({ target: "embedded", servers: {} }),
      secret: {
        databaseUrl: "postgresql://app:x@db.example/studio",
        studioSecrets: { DATABASE_URL: "postgresql://studio:x@db.example/studio" },
      },
    };
    const { recorder } = await runProgram(baseline, { generation: 0 });
    assert.deepEqual(
      recorder.of(deployment).map((one) => one.name),
      ["llmctl-studio"],
    );
    const rows = recorder.one(cutover, "llmctl-studio-rows").inputs.spec as { rows: unknown };
    assert.deepEqual(rows.rows, []);
  });

  it("deploys servers alone when neither cutover nor Studio is wanted", async () => {
    const { recorder, outputs } = await runProgram({
      plain: {
        namespace: "ai-platform",
        application: "ai-platform",
        createNamespace: false,
        cutover: { enabled: false },
        studio: { enabled: false },
        servers: { knowledge: { image: "registry.example/knowledge:1.0.0", port: 3000 } },
      },
    });
    assert.deepEqual(outputs.servers, {
      knowledge: "http://knowledge-mcp.ai-platform.svc.cluster.local:3000/mcp",
    });
    assert.deepEqual(recorder.of(cutover), []);
    assert.deepEqual(recorder.of("kubernetes:core/v1:Namespace"), []);
    assert.deepEqual(
      recorder.of(deployment).map((one) => one.name),
      ["knowledge-mcp"],
    );
  });

  it("makes a role of the cutover's own where asked to, before the cutover", async () => {
    const { recorder } = await runProgram(
      changed({ database: { manage: { memberOf: "llmctl", tables: ["agent_task_mcp_servers"] } } }),
    );
    const rows = recorder.one(cutover, "llmctl-studio-rows");
    const database = recorder.resources.filter((one) => one.type.startsWith("postgresql:"));
    assert.deepEqual(database.map((one) => one.name).sort(), [
      "llmctl-studio-database",
      "llmctl-studio-database-owner",
      "llmctl-studio-database-public-agent_task_mcp_servers",
      "llmctl-studio-database-public-integration_settings",
      "llmctl-studio-database-public-mcp_servers",
      "llmctl-studio-database-public-mcp_servers_id_seq",
      "llmctl-studio-database-schema",
    ]);
    // Without it a seeded row fails: the table's grant does not cover the sequence of its id.
    const sequence = recorder.one(
      "postgresql:index/grant:Grant",
      "llmctl-studio-database-public-mcp_servers_id_seq",
    );
    assert.deepEqual(
      [sequence.inputs.objectType, sequence.inputs.objects, sequence.inputs.privileges],
      ["sequence", ["mcp_servers_id_seq"], ["USAGE"]],
    );
    for (const one of database) assert.ok(one.order < rows.order, one.name);
    assert.ok(pulumi.runtime.isRpcSecret(rows.inputs.credentials));
    assert.match(
      JSON.stringify(rows.inputs.credentials),
      /postgresql:\/\/mcp_cutover:generated-password@db\.example:5432\/studio/,
    );
  });
});
