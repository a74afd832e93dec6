import assert from "node:assert/strict";
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { isClean, isUserError } from "@mcp-fleet/errors";
import { parse, parseAllDocuments } from "yaml";

import { type KubeObject, objectsOf, type Rendered } from "../../render/objects";
import { render, type RenderOptions } from "../../render/render";
import { writeDirectory } from "../../render/write";
import { yamlOf } from "../../render/yaml";
import { fullStack } from "../support/resources";

const pat = "pat-secret";
type Fields = Record<string, Record<string, unknown>>;

describe("a stack as plain YAML", () => {
  let scratch: string;
  beforeEach(() => {
    scratch = mkdtempSync(join(tmpdir(), "mcp-fleet-render-"));
  });
  afterEach(() => {
    rmSync(scratch, { recursive: true, force: true });
  });

  const file = (name: string, content: unknown): string => {
    const path = join(scratch, name);
    writeFileSync(path, JSON.stringify(content));
    return path;
  };
  const stackFile = (config: Record<string, unknown>): string =>
    file("Pulumi.test.yaml", {
      config: Object.fromEntries(Object.entries(config).map(([k, v]) => [`mcp-fleet:${k}`, v])),
    });
  const go = (path: string, options: Partial<RenderOptions> = {}): Promise<Rendered> =>
    render({ file: path, directory: join(scratch, "out"), ...options });
  const one = ({ objects }: Rendered, kind: string, name: string): KubeObject => {
    const found = objects.find((object) => object.kind === kind && object.metadata.name === name);
    assert.ok(found !== undefined, `${kind} ${name}`);
    return found;
  };

  /** A value as `pulumi config set --secret --path` stores it in a stack file. */
  const encrypted = {
    ...fullStack.plain,
    databaseUrl: { secure: "AAA" },
    studioSecrets: { DATABASE_URL: { secure: "AAA" } },
    serverSecrets: {
      github: { GITHUB_PERSONAL_ACCESS_TOKEN: { secure: "AAA" } },
      atlassian: {
        JIRA_URL: { secure: "AAA" },
        JIRA_USERNAME: { secure: "AAA" },
        JIRA_API_TOKEN: { secure: "AAA" },
      },
    },
  };

  /** The output of `pulumi config --json --show-secrets`. */
  const shown = (): string =>
    file(
      "config.json",
      Object.fromEntries([
        ...Object.entries(fullStack.plain).map(([key, value]) => [
          `mcp-fleet:${key}`,
          { value: typeof value === "string" ? value : JSON.stringify(value), secret: false },
        ]),
        ...Object.entries(fullStack.secret ?? {}).map(([key, value]) => [
          `mcp-fleet:${key}`,
          { value: typeof value === "string" ? value : JSON.stringify(value), secret: true },
        ]),
      ]),
    );

  it("refuses values of another stack, which it cannot read", async () => {
    const shared = { stack: "org/infra/dev", outputs: { namespace: "space" } };
    await assert.rejects(
      go(stackFile({ ...encrypted, shared }), { serversOnly: true }),
      /\[shared\] names outputs of another stack/,
    );
  });

  it("refuses JSON that is not what the engine prints", async () => {
    for (const entry of [null, "tools"])
      await assert.rejects(
        go(file("odd.json", { "mcp-fleet:namespace": entry })),
        (error) => isUserError(error) && /^\[mcp-fleet:namespace\] is no entry/.test(error.problem),
      );
  });

  it("refuses a cutover, which needs proof that the servers answer (S38)", async () => {
    await assert.rejects(go(stackFile(encrypted)), /\[cutover\.enabled\] cannot be rendered/);
  });

  it("has the servers alone where asked for: neither the application nor a row", async () => {
    const rendered = await go(stackFile(encrypted), { serversOnly: true });
    const components = rendered.objects.map(
      ({ metadata }) => metadata.labels?.["app.kubernetes.io/component"],
    );
    assert.deepEqual([...new Set(components)].sort(), ["mcp-server", "network-policy", undefined]);
    const policy = one(rendered, "NetworkPolicy", "llmctl-mcp");
    // The application is not written, but may call the servers.
    assert.match(JSON.stringify(policy.spec), /"app.kubernetes.io\/name":"llmctl-studio"/);
  });

  it("refers to Secrets and writes none", async () => {
    const rendered = await go(stackFile(encrypted), { serversOnly: true });
    assert.deepEqual(rendered.references, [
      {
        name: "llmctl-mcp-atlassian",
        namespace: "llmctl",
        keys: ["JIRA_API_TOKEN", "JIRA_URL", "JIRA_USERNAME"],
      },
      { name: "llmctl-mcp-github", namespace: "llmctl", keys: ["GITHUB_PERSONAL_ACCESS_TOKEN"] },
    ]);
    assert.equal(rendered.objects.filter(({ kind }) => kind === "Secret").length, 0);
    const { spec } = one(rendered, "Deployment", "llmctl-mcp-github");
    assert.match(JSON.stringify(spec), /"secretRef":\{"name":"llmctl-mcp-github"\}/);
  });

  it("writes the Secret that is asked for by name, and no other", async () => {
    const options = { serversOnly: true, withSecrets: ["llmctl-mcp-github"] };
    const rendered = await go(shown(), options);
    const secret = one(rendered, "Secret", "llmctl-mcp-github");
    assert.deepEqual(secret.stringData, { GITHUB_PERSONAL_ACCESS_TOKEN: pat });
    assert.deepEqual(
      rendered.references.map(({ name }) => name),
      ["llmctl-mcp-atlassian"],
    );
    assert.ok(!JSON.stringify(rendered).includes("jira-secret"));
    await assert.rejects(go(stackFile(encrypted), options), /is encrypted/);
    await assert.rejects(
      go(shown(), { serversOnly: true, withSecrets: ["github"] }),
      /"github" is no Secret of this stack/,
    );
  });

  it("refuses a transform that makes a pod weaker, and a weak pod of any other kind (issue 16, item 7)", async () => {
    const transform = { deployment: { spec: { template: { spec: { hostIPC: true } } } } };
    const all = fullStack.plain.servers as Fields;
    const servers = { ...all, github: { ...all.github, transform } };
    await assert.rejects(
      go(stackFile({ ...encrypted, servers }), { serversOnly: true }),
      /McpServer llmctl-mcp-github: \[transform\.deployment\].*hostIPC has to be false/,
    );
    const metadata = { name: "nightly", namespace: "apps" };
    const template = { spec: { containers: [{ name: "one", image: "registry.example/x:1" }] } };
    const inputs = {
      ...{ apiVersion: "batch/v1", kind: "CronJob", metadata },
      spec: { jobTemplate: { spec: { template } } },
    };
    assert.throws(
      () => objectsOf([{ name: "nightly", inputs }], []),
      /CronJob nightly: .*containers\[one\]\.securityContext\.allowPrivilegeEscalation/,
    );
  });

  it("leaves the replicas of an autoscaled Deployment to the autoscaler", async () => {
    const rendered = await go(join("examples", "todo", "prod.yaml"));
    assert.ok(!("replicas" in (one(rendered, "Deployment", "mcp-server").spec as object)));
    const dev = await go(join("examples", "todo", "dev.yaml"));
    assert.equal((one(dev, "Deployment", "mcp-server").spec as { replicas: number }).replicas, 1);
  });

  it("writes a server that keeps data, and leaves the replicas of the one that is scaled to the autoscaler", async () => {
    const rendered = await go(join("examples", "servers", "memory.yaml"));
    const set = one(rendered, "StatefulSet", "memory-mcp").spec as Record<string, unknown>;
    assert.deepEqual([set.replicas, set.serviceName], [1, "memory-mcp"]);
    const directory = join(scratch, "memory");
    assert.deepEqual(writeDirectory(directory, "memory.yaml", rendered), [
      ...["memory-mcp.yaml", "namespace.yaml", "kustomization.yaml"],
    ]);
    const target = (kind: string): object => ({
      ...{ apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler" },
      ...{
        metadata: { name: "memory-mcp" },
        spec: { scaleTargetRef: { kind, name: "memory-mcp" } },
      },
    });
    const objects = (kind: string): Rendered =>
      objectsOf(
        [...rendered.objects, target(kind)].map((inputs) => ({ name: "memory-mcp", inputs })) as [],
        [],
      );
    const replicas = (kind: string): unknown =>
      (one(objects(kind), "StatefulSet", "memory-mcp").spec as { replicas?: number }).replicas;
    assert.deepEqual([replicas("StatefulSet"), replicas("Deployment")], [undefined, 1]);
  });

  it("is one file for each workload under a kustomization, and replaces what it wrote before", async () => {
    const rendered = await go(join("examples", "ai-platform", "stack.yaml"));
    const directory = join(scratch, "out");
    writeDirectory(directory, "stack.yaml", rendered);
    writeFileSync(join(directory, "gone-mcp.yaml"), "");
    const files = writeDirectory(directory, "stack.yaml", rendered);
    assert.deepEqual(files, [
      "ai-platform-manager.yaml",
      "clock-mcp.yaml",
      "namespace.yaml",
      "outline-mcp.yaml",
      "kustomization.yaml",
    ]);
    assert.deepEqual(readdirSync(directory).sort(), [...files].sort());
    const read = (name: string): string => readFileSync(join(directory, name), "utf8");
    const { resources } = parse(read("kustomization.yaml")) as { resources: string[] };
    const kinds = resources.flatMap((name) =>
      parseAllDocuments(read(name)).map((document) => document.get("kind")),
    );
    assert.equal(kinds.length, rendered.objects.length);
    assert.ok(!read("clock-mcp.yaml").includes("pulumi.com/"));
  });

  /** A stack rendered from these objects. */
  const of = (objects: readonly object[], references: Rendered["references"] = []): Rendered => ({
    objects: objects as KubeObject[],
    references,
  });
  const configMap = (name: string, more: object = {}, labels?: object): object => ({
    ...{ apiVersion: "v1", kind: "ConfigMap" },
    metadata: { name, namespace: "apps", labels: labels ?? { "app.kubernetes.io/name": name } },
    ...more,
  });

  it("means the same to parsers of YAML 1.1 and of 1.2 (issue 16, item 14)", () => {
    const words = [
      ...[
        "on",
        "off",
        "y",
        "n",
        "Yes",
        "NO",
        "true",
        "null",
        "~",
        "",
        "1.10",
        "1e3",
        "0777",
        "0o17",
      ],
      ...["0x1f", "0b11", "1_000", "12:30:45", "190:20:30.15", "2026-01-01", ".inf", ".nan", "+1"],
      ...[
        "=",
        "<<",
        "- on",
        "# no",
        ": x",
        "!x",
        "&a",
        "*a",
        "%x",
        "@x",
        "`x",
        "{a",
        "[a",
        "'a",
        '"a',
      ],
      ...["a\u0085b", "a\u2028b", "a\u202eb", "a\u009bb", "a\u0000b", "a\nb\n", " a", "a ", "\ta"],
    ];
    const data = Object.fromEntries(words.map((word, index) => [`k${index}`, word]));
    const args = ["--feature", ...words];
    const keys = Object.fromEntries(["on", "y", "1.10", "<<", "=", "~"].map((key) => [key, "x"]));
    const text = yamlOf(configMap("words", { data, args, keys }));
    for (const version of ["1.1", "1.2"] as const)
      assert.deepEqual(
        parse(text, { version, merge: version === "1.1" }),
        configMap("words", { data, args, keys }),
        version,
      );
    assert.match(text, /- "on"\n/);
    assert.match(text, /- "1\.10"\n/);
    assert.match(text, /"y": x/);
    assert.ok(isClean(text));
  });

  it("takes no name that leads out of the directory or out of its line (issue 16, item 14)", () => {
    const out = join(scratch, "in", "out");
    const attacks: readonly (readonly [readonly object[], Rendered["references"]])[] = [
      ...["../../stolen", "..", "a/b", "a\nb", "-a", "a".repeat(64)].map(
        (name) => [[configMap("one", {}, { "app.kubernetes.io/name": name })], []] as const,
      ),
      ...["../x", "a\nb: c", "A", "", "a b"].map(
        (name) => [[configMap(name, {}, {})], []] as const,
      ),
      [[{ ...configMap("one"), kind: "ConfigMap\nkind: Secret" }], []],
      [[{ ...configMap("one"), apiVersion: "v1\n" }], []],
      [[], [{ name: "tokens", namespace: "apps", keys: ["A\nresources: [evil.yaml]"] }]],
      [[], [{ name: "a\nb", namespace: "apps", keys: ["A"] }]],
    ];
    for (const [objects, references] of attacks) {
      assert.throws(
        () => writeDirectory(out, "x.yaml", of(objects, references)),
        (error) => {
          assert.ok(isUserError(error));
          assert.match(error.fix, /nothing was written/);
          return isClean(error.message);
        },
      );
    }
    assert.deepEqual(readdirSync(scratch), []);
    // A workload may have the index's name.
    const files = writeDirectory(out, "x\n- evil.yaml", of([configMap("kustomization")]));
    assert.deepEqual(files, ["workload-kustomization.yaml", "kustomization.yaml"]);
    const index = parse(readFileSync(join(out, "kustomization.yaml"), "utf8")) as object;
    assert.deepEqual((index as { resources: string[] }).resources, ["workload-kustomization.yaml"]);
  });

  it("lets nobody else read a Secret's values, and follows no link (issue 16, item 14)", () => {
    const out = join(scratch, "out");
    const secret = { ...configMap("tokens", { stringData: { A: "b" } }), kind: "Secret" };
    const umask = process.umask(0o022);
    try {
      writeDirectory(out, "x.yaml", of([secret, configMap("open")]));
    } finally {
      process.umask(umask);
    }
    assert.equal(statSync(join(out, "tokens.yaml")).mode & 0o777, 0o600);
    assert.equal(statSync(join(out, "open.yaml")).mode & 0o777, 0o644);
    file("theirs", "theirs");
    symlinkSync(join(scratch, "theirs"), join(out, "other.yaml"));
    assert.throws(() => writeDirectory(out, "x.yaml", of([configMap("other")])), isUserError);
    assert.equal(readFileSync(join(scratch, "theirs"), "utf8"), '"theirs"');
  });

  it("leaves a directory alone that holds anything else", async () => {
    const rendered = await go(join("examples", "todo", "dev.yaml"));
    file("theirs.txt", "theirs");
    assert.throws(() => writeDirectory(scratch, "dev.yaml", rendered), isUserError);
    assert.deepEqual(readdirSync(scratch), ["theirs.txt"]);
  });

  it("says what to do about names that are encrypted with their values", async () => {
    const whole = { ...encrypted, serverSecrets: { secure: "AAA" } };
    await assert.rejects(
      go(stackFile(whole), { serversOnly: true }),
      /\[serverSecrets\] is encrypted as a whole/,
    );
    const { serverSecrets: _none, ...without } = encrypted;
    const names = ["github.GITHUB_PERSONAL_ACCESS_TOKEN", "atlassian.JIRA_URL"];
    const assumedSecrets = [...names, "atlassian.JIRA_USERNAME", "atlassian.JIRA_API_TOKEN"];
    const rendered = await go(stackFile(without), { serversOnly: true, assumedSecrets });
    assert.equal(rendered.references.length, 2);
  });
});
