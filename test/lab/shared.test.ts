import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import * as pulumi from "@pulumi/pulumi";
import type { EngineEvent, Stack } from "@pulumi/pulumi/automation";
import { parse, stringify } from "yaml";

import { type StudioDatabase, studioDatabase } from "../database/row-cutover/support";
import { testEngine } from "../support/engine";
import { fullStack } from "../support/resources";
import { ScratchBackend } from "../support/scratch-backend";

/**
 * Two stacks without a cluster: one with the namespace and the database, and this program's, which names its
 * outputs.
 */
describe("a stack that takes values of another one, on the engine", function () {
  this.timeout(3 * 60_000);
  let backend: ScratchBackend | undefined;
  let database: StudioDatabase | undefined;
  let infra: Stack;
  let fleet: Stack;
  let url: string;
  let space = "llmctl-shared";

  before(async function () {
    database = await studioDatabase({ schema: "jsonb" });
    url = database.db.connectionString ?? "";
    backend = new ScratchBackend(await testEngine());
    infra = await backend.inlineStack({
      stackName: "dev",
      projectName: "infra",
      program: () => Promise.resolve({ space, cutoverUrl: pulumi.secret(url), open: "in clear" }),
    });
    await infra.up();
    backend.writeProject();
    fleet = await backend.stackOf(backend.directory, "dev");
  });
  after(async () => {
    await database?.drop();
    backend?.remove();
  });

  /** The stack's configuration, except what the other stack has. */
  function configure(values: object, outputs: object, stack = "organization/infra/dev"): void {
    const directory = backend?.directory ?? "";
    const kubeconfig = join(directory, "kubeconfig");
    writeFileSync(kubeconfig, nowhere);
    const plain = { ...values, database: { tls: "disable" }, shared: { stack, outputs } };
    const config = Object.entries(plain).map(
      ([key, value]) => [`mcp-fleet:${key}`, value] as const,
    );
    const file = join(directory, "Pulumi.dev.yaml");
    // Other content, the salt of the CLI's encryption, stays.
    const before = existsSync(file) ? (parse(readFileSync(file, "utf8")) as object) : {};
    const all = { "kubernetes:kubeconfig": kubeconfig, ...Object.fromEntries(config) };
    writeFileSync(file, stringify({ ...before, config: all }));
  }

  /** The output of a preview, and all events of the engine. */
  async function preview(): Promise<{ said: string; events: EngineEvent[] }> {
    const events: EngineEvent[] = [];
    const { stdout } = await fleet.preview({ onEvent: (event) => events.push(event) });
    return { said: stdout, events };
  }

  it("previews in the other stack's namespace and plans the rows of its database", async () => {
    const { target, consumers, probe, studio } = fullStack.plain;
    const github = (fullStack.plain.servers as Record<string, object>).github;
    const deferred = ["google-workspace", "llmctl-mcp", "atlassian", "chroma", "google-cloud"];
    const plain = { target, consumers, probe, deferred, servers: { github } };
    configure(
      { ...plain, studio },
      {
        namespace: "space",
        databaseUrl: "cutoverUrl",
        studioSecrets: { DATABASE_URL: "cutoverUrl" },
      },
    );
    const token = { value: "pat-secret", secret: true };
    await fleet.setConfig(
      "mcp-fleet:serverSecrets.github.GITHUB_PERSONAL_ACCESS_TOKEN",
      token,
      true,
    );
    const { said, events } = await preview();
    assert.match(said, /Rows: 1 to change towards in-cluster:/);
    assert.match(said, /rewrite github: .* -> .*llmctl-mcp-github\.llmctl-shared\.svc/);
    const namespaces = events.flatMap((event) => {
      const inputs = event.resourcePreEvent?.metadata.new?.inputs as
        { metadata?: { namespace?: string } } | undefined;
      return inputs?.metadata?.namespace ?? [];
    });
    assert.ok(namespaces.length > 5);
    assert.deepEqual([...new Set(namespaces)], ["llmctl-shared"]);
    // With --debug, which the Automation API's events have, the SDK logs what it read from another stack.
    const told = events.filter(
      ({ diagnosticEvent }) => (diagnosticEvent?.severity as string) !== "debug",
    );
    assert.ok(!`${said}${JSON.stringify(told)}`.includes(new URL(url).password));
  });

  it("follows the other stack", async () => {
    space = "llmctl-moved";
    await infra.up();
    assert.match((await preview()).said, /llmctl-mcp-github\.llmctl-moved\.svc/);
  });

  it("has from Pulumi.yaml what all stacks share; a value of its own replaces it as a whole", async () => {
    const file = join(backend?.directory ?? "", "Pulumi.yaml");
    const project = parse(readFileSync(file, "utf8")) as Project;
    for (const [key, value] of [
      ["imagePullSecrets", ["everyone"]],
      ["servers", { tools: { image: "registry.example/tools:1.0.0", port: 8000, row: false } }],
    ] as const) {
      project.config[key] = { ...project.config[key], default: value };
    }
    writeFileSync(file, stringify(project));
    const alone = { cutover: { enabled: false }, studio: { enabled: false } };
    const pullSecrets = async (own: object): Promise<unknown> => {
      configure({ ...alone, ...own }, { namespace: "space" });
      const { events } = await preview();
      const found = events.find(({ resourcePreEvent: step }) => {
        const { type, urn } = step?.metadata ?? {};
        return type === "kubernetes:apps/v1:Deployment" && urn?.endsWith("::tools-mcp");
      });
      const inputs = found?.resourcePreEvent?.metadata.new?.inputs as Deployment | undefined;
      return inputs?.spec.template.spec.imagePullSecrets;
    };
    assert.deepEqual(await pullSecrets({}), [{ name: "everyone" }]);
    assert.deepEqual(await pullSecrets({ imagePullSecrets: ["own"] }), [{ name: "own" }]);
    backend?.writeProject();
  });

  const bad = [
    {
      what: "an output that is not there",
      outputs: { databaseUrl: "url" },
      says: /\[shared\.outputs\.databaseUrl\] names the output url, which the stack organization\/infra\/dev does not have\.\s+Name one of its outputs/,
    },
    {
      what: "a credential in clear",
      outputs: { databaseUrl: "open" },
      says: /\[shared\.outputs\.databaseUrl\] names the output open, which the stack organization\/infra\/dev keeps in plain text/,
    },
    {
      what: "a stack that is not there",
      outputs: { databaseUrl: "cutoverUrl" },
      stack: "organization/infra/none",
      says: /organization\/infra\/none/,
    },
  ];
  for (const { what, outputs, says, stack } of bad) {
    it(`names ${what}`, async () => {
      configure({ namespace: "llmctl" }, outputs, stack);
      await assert.rejects(fleet.preview(), ({ message }: Error) => {
        assert.match(message, says);
        assert.doesNotMatch(message, /\.js:\d+/);
        return !message.includes(new URL(url).password);
      });
    });
  }

  it("keeps the other stack's secret encrypted in its own state, and reads the ledger with it", async () => {
    const alone = {
      studio: { enabled: false },
      network: { isolate: "none" },
      createNamespace: false,
    };
    configure(
      { ...alone, namespace: "llmctl", servers: {}, cutover: { fence: false } },
      { databaseUrl: "cutoverUrl" },
    );
    const { outputs } = await fleet.up();
    assert.equal(outputs.generation?.value, 0);
    await fleet.refresh();
    // An export by the Automation API has secrets in plain text; the file does not.
    const stacks = join(backend?.directory ?? "", "backend", ".pulumi", "stacks");
    const state = readFileSync(join(stacks, "mcp-fleet", "dev.json"), "utf8");
    assert.match(state, /"credentials": ?\{[^}]*"ciphertext"/);
    assert.ok(!state.includes(new URL(url).password));
    await fleet.destroy();
  });
});

interface Project {
  config: Record<string, object>;
}

interface Deployment {
  readonly spec: { readonly template: { readonly spec: { readonly imagePullSecrets?: unknown } } };
}

const nowhere = JSON.stringify({
  apiVersion: "v1",
  kind: "Config",
  clusters: [{ name: "nowhere", cluster: { server: "https://127.0.0.1:1" } }],
  users: [{ name: "nobody", user: {} }],
  contexts: [{ name: "nowhere", context: { cluster: "nowhere", user: "nobody" } }],
  "current-context": "nowhere",
});
