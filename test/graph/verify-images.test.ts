import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as pulumi from "@pulumi/pulumi";

import { loadConfig } from "../../stacks/config";
import { verifiedImages } from "../../stacks/verify-images";
import { sendJson, stubApi } from "../support/api-server";
import { Recorder, type RecorderOptions } from "../support/mocks";
import { OciRegistry } from "../support/oci-registry";
import { freePort } from "../support/port";
import { fullStack, runProgram, setConfig } from "../support/resources";
import { keySigner, pemOf, TestSigstore } from "../support/sigstore";

const sigstore = new TestSigstore();
const key = keySigner();
const tags = [
  ..."llmctl-mcp github atlassian chroma google-cloud".split(" "),
  ..."studio probe manager observer exporter mesh agent proxy migrate patched".split(" "),
];

/** Every image that a pod of the stack runs, the probe's Jobs too. */
function imagesIn(recorder: Recorder): string[] {
  const found = new Set<string>();
  const walk = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [name, inner] of Object.entries(value)) {
      if (name === "image" && typeof inner === "string") found.add(inner);
      else walk(inner);
    }
  };
  for (const { type, inputs } of recorder.resources)
    if (/:(Deployment|StatefulSet|Cutover)$/.test(type)) walk(inputs);
  return [...found].sort();
}

describe("verifyImages", () => {
  let registry: OciRegistry;
  let directory: string;
  let digests: Map<string, string>;
  const said: string[] = [];
  const { info, warn } = pulumi.log;

  before(() => {
    const note = (text: string): Promise<void> => {
      said.push(text);
      return Promise.resolve();
    };
    Object.assign(pulumi.log, { info: note, warn: note });
  });
  after(() => Object.assign(pulumi.log, { info, warn }));
  beforeEach(async () => {
    said.length = 0;
    directory = mkdtempSync(join(tmpdir(), "mcp-fleet-verify-images-"));
    writeFileSync(join(directory, "cosign.pub"), pemOf(key));
    writeFileSync(join(directory, "root.json"), JSON.stringify(await sigstore.trustedRoot()));
    registry = await OciRegistry.start();
    digests = new Map();
    for (const tag of tags) {
      const digest = registry.image(`${tag}-1`);
      digests.set(tag, digest);
      await sigstore.signBundle(registry, digest, key);
    }
  });
  afterEach(() => {
    registry.stop();
    rmSync(directory, { recursive: true });
  });

  const image = (tag: string): string => `${registry.host}/acme/x:${tag}-1`;
  const pinned = (tag: string): string => `${image(tag)}@${digests.get(tag)}`;
  const rules = (more: object = {}) => ({
    rules: [
      {
        images: [`${registry.host}/acme/*`],
        key: join(directory, "cosign.pub"),
        trustedRoot: join(directory, "root.json"),
      },
    ],
    ...more,
  });
  /** A stack in which everything that may have an image has one. */
  const everything = (): Record<string, unknown> => ({
    ...fullStack.plain,
    servers: {
      "llmctl-mcp": { image: image("llmctl-mcp") },
      github: {
        image: image("github"),
        sidecars: [{ name: "proxy", image: image("proxy") }],
        initContainers: [{ name: "migrate", image: image("migrate") }],
      },
      atlassian: {
        image: image("atlassian"),
        transform: {
          deployment: {
            spec: {
              template: {
                spec: { containers: [{ name: "mcp-server", image: image("patched") }] },
              },
            },
          },
        },
      },
      chroma: { image: image("chroma") },
      "google-cloud": { image: image("google-cloud") },
    },
    studio: { images: { embedded: "registry.example/old:1", "in-cluster": image("studio") } },
    probe: { image: image("probe") },
    manager: { enabled: true, image: image("manager") },
    observability: {
      enabled: true,
      scrapers: { "kubernetes.io/metadata.name": "monitoring" },
      observer: { image: image("observer") },
      exporter: {
        image: image("exporter"),
        database: { secret: "check-login" },
      },
    },
    mesh: {
      registry: { image: image("mesh"), storage: { sqlite: { size: "1Gi" } } },
      agents: { greeter: { image: image("agent") } },
    },
    verifyImages: rules(),
  });
  const run = (plain: Record<string, unknown>, options?: RecorderOptions) =>
    runProgram({ ...fullStack, plain }, options);

  it("has every pod of the stack run the digest that was checked", async () => {
    const { recorder } = await run(everything());
    // Its transform has another one run.
    const wanted = tags.filter((tag) => tag !== "atlassian").map(pinned);
    assert.deepEqual(imagesIn(recorder), wanted.sort());
    assert.match(said.join(), /15 images are signed as verifyImages requires/);
  });

  it("asks a tag once: what it leads to later is not run", async () => {
    const moved = image("chroma");
    const before = digests.get("chroma");
    const plain = everything();
    registry.instead = ({ url = "" }) => {
      if (url.endsWith("/manifests/chroma-1"))
        setImmediate(() => registry.image("chroma-1", "evil"));
      return false;
    };
    const { recorder } = await run(plain);
    assert.ok(imagesIn(recorder).includes(`${moved}@${before}`));
    const asked = registry.asked.filter((one) => one.endsWith("/manifests/chroma-1"));
    assert.equal(asked.length, 1);
  });

  it("refuses before anything is made, and names image, rule and fix", async () => {
    registry.image("chroma-1", "another build");
    registry.image("github-1", "another build too");
    for (const preview of [false, true]) {
      const made: string[] = [];
      const hold = (type: string, name: string): undefined => void made.push(`${type} ${name}`);
      const error = await run(everything(), { preview, hold }).then(
        () => undefined,
        (one: Error) => one,
      );
      assert.match(error?.message ?? "", /2 things are wrong/);
      assert.match(
        error?.message ?? "",
        /\[verifyImages\.rules\[0\]\] servers\.chroma\.image: \S+acme\/x:chroma-1@sha256:[0-9a-f]{64} has no signature\./,
      );
      assert.match(
        error?.message ?? "",
        /Sign it: cosign sign --key <the private key> \S+@sha256:/,
      );
      assert.deepEqual(made, []);
    }
  });

  it("says in a preview what it could not see, and refuses it in an update", async () => {
    const elsewhere = `127.0.0.1:${await freePort()}/acme/x:1`;
    const plain = {
      ...everything(),
      probe: { image: elsewhere },
      verifyImages: { rules: [{ ...rules().rules[0], images: ["127.0.0.1:*"] }] },
    };
    const { recorder } = await run(plain, { preview: true });
    assert.match(
      said.join(),
      /Signatures could not be verified \(127\.0\.0\.1:\d+: ECONNREFUSED\)/,
    );
    assert.ok(imagesIn(recorder).includes(elsewhere));
    assert.ok(imagesIn(recorder).includes(pinned("github")));
    await assert.rejects(
      run(plain),
      /\[probe\.image\] the signatures of 127\.0\.0\.1:\d+\/acme\/x:1 cannot be checked: .*ECONNREFUSED/,
    );
  });

  it("leaves images without a rule alone and says so, or refuses them where a rule is required", async () => {
    const plain = { ...everything(), probe: { image: "registry.example/probe:1" } };
    const { recorder } = await run(plain);
    assert.ok(imagesIn(recorder).includes("registry.example/probe:1"));
    assert.match(said.join(), /No rule is about registry\.example\/probe:1/);
    await assert.rejects(
      run({ ...plain, verifyImages: rules({ required: true }) }),
      /\[probe\.image\] "registry\.example\/probe:1" matches no rule of verifyImages/,
    );
  });

  it("asks with the login of a pull secret in the cluster, and says how to give one", async () => {
    registry.withLogin = { username: "robot", password: "pull-secret" };
    const auths = { [registry.host]: registry.withLogin };
    const text = Buffer.from(JSON.stringify({ auths })).toString("base64");
    const api = await stubApi((_request, response, { pathname }) =>
      pathname === "/api/v1/namespaces/llmctl/secrets/regcred"
        ? sendJson(response, 200, { data: { ".dockerconfigjson": text } })
        : sendJson(response, 403, { message: "forbidden" }),
    );
    await Recorder.install();
    const checked = async (imagePullSecrets: string[]) => {
      const kubernetes = { kubeconfig: api.kubeconfig };
      setConfig({ ...fullStack, plain: { ...everything(), imagePullSecrets }, kubernetes });
      return verifiedImages(await loadConfig());
    };
    try {
      const { settings, servers } = await checked(["gone", "regcred"]);
      assert.equal(settings.probe.image, pinned("probe"));
      assert.equal(servers.find(({ key: name }) => name === "chroma")?.image, pinned("chroma"));
      assert.deepEqual(api.asked.map((path) => path.replace(/.*\//, "")).sort(), [
        "gone",
        "regcred",
      ]);
      await assert.rejects(
        checked(["gone"]),
        /it wants a login\.\n.*Log in on this machine \(docker login 127\.0\.0\.1:\d+\), or name a Secret with a login in imagePullSecrets/s,
      );
    } finally {
      api.die();
    }
  });

  it("refuses rules that nothing can be checked by", async () => {
    const refuses = (verifyImages: object, pattern: RegExp) =>
      assert.rejects(run({ ...everything(), verifyImages }), pattern);
    const images = ["ghcr.io/acme/*"];
    const keyless = { issuer: "https://issuer.example", identity: "x" };
    await refuses({ required: true }, /\[verifyImages\.rules\] are needed where required is true/);
    await refuses({ rules: [{ images }] }, /must have one of key and keyless/);
    await refuses({ rules: [{ images, keyless, ignoreTlog: true }] }, /goes with key only/);
    await refuses(
      { rules: [{ images: ["acme/*"], keyless }] },
      /must begin with the registry, like docker\.io\/acme\/\*/,
    );
    await refuses({ rules: [{ images: ["ghcr.io/acme/x:1"], keyless }] }, /without tag or digest/);
    await refuses({ rules: [{ images, key: "no-such.pub" }] }, /"no-such.pub" cannot be read/);
    const both = { issuer: "https://issuer.example", identityRegExp: "a)|(?:b" };
    await refuses({ rules: [{ images, keyless: both }] }, /must be a regular expression/);
  });
});
