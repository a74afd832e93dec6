import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type ImageVerdict, readRules, verifyImage, type VerifyOptions } from "@mcp-fleet/images";
import { verifyImages } from "@mcp-fleet/schema";

import { OciRegistry } from "../../support/oci-registry";
import {
  identity,
  issuer,
  keySigner,
  type Oddities,
  pemOf,
  type Signer,
  TestSigstore,
} from "../../support/sigstore";

const sigstore = new TestSigstore();
const key = keySigner();
const forms = ["classic", "bundle"] as const;

/** Both formats of cosign's signatures, and what an attacker with the right to push can add. */
describe("signatures of images", () => {
  let registry: OciRegistry;
  let directory: string;
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), "mcp-fleet-signatures-"));
    writeFileSync(join(directory, "root.json"), JSON.stringify(await sigstore.trustedRoot()));
    writeFileSync(
      join(directory, "stamps.json"),
      JSON.stringify(await sigstore.trustedRoot(["tlogs", "ctlogs"])),
    );
    writeFileSync(join(directory, "cosign.pub"), pemOf(key));
    writeFileSync(join(directory, "two.pub"), `${pemOf(keySigner())}${pemOf(key)}`);
  });
  after(() => rmSync(directory, { recursive: true }));
  beforeEach(async () => {
    registry = await OciRegistry.start();
  });
  afterEach(() => registry.stop());

  const byKey = { key: "cosign.pub", trustedRoot: "root.json" };
  const byIdentity = { keyless: { issuer, identity }, trustedRoot: "root.json" };

  const ask = async (
    image: string,
    rule: object,
    options: VerifyOptions = {},
  ): Promise<ImageVerdict> => {
    const settings = verifyImages.parse({ rules: [{ images: ["127.0.0.1:*"], ...rule }] });
    const { rules, problems } = readRules(settings, directory);
    assert.deepEqual(problems, []);
    return verifyImage(`${registry.host}/${image}`, rules, options);
  };
  const refusal = async (image: string, rule: object): Promise<string> => {
    const verdict = await ask(image, rule);
    assert.equal(verdict.state, "refused", JSON.stringify(verdict));
    return verdict.state === "refused" ? verdict.faults.map(({ problem }) => problem).join() : "";
  };
  const signed = async (image: string, rule: object): Promise<string> => {
    const verdict = await ask(image, rule);
    assert.equal(verdict.state, "signed", JSON.stringify(verdict));
    return verdict.state === "signed" ? verdict.image.replace(`${registry.host}/`, "") : "";
  };
  const put = async (
    form: (typeof forms)[number],
    digest: string,
    signer: Signer,
    odd?: Oddities,
  ): Promise<void> =>
    form === "classic"
      ? sigstore.signClassic(registry, digest, signer, odd)
      : sigstore.signBundle(registry, digest, signer, odd);

  for (const form of forms) {
    describe(`in cosign's form "${form}"`, () => {
      it("count by the key of the rule, and pin the digest that was checked", async () => {
        const digest = registry.image("1.0");
        await put(form, digest, key);
        assert.equal(await signed("x:1.0", byKey), `x:1.0@${digest}`);
        assert.equal(await signed(`x:9@${digest}`, byKey), `x:9@${digest}`);
        assert.equal(await signed("x:1.0", { ...byKey, key: "two.pub" }), `x:1.0@${digest}`);
        assert.equal(await signed("x:1.0", { ...byKey, key: pemOf(key) }), `x:1.0@${digest}`);
      });

      it("count by the identity of the rule", async () => {
        const digest = registry.image("1.0");
        await put(form, digest, await sigstore.keyless());
        assert.equal(await signed("x:1.0", byIdentity), `x:1.0@${digest}`);
        const identityRegExp = String.raw`https://github\.com/acme/images/.+@refs/heads/main`;
        const rule = { ...byIdentity, keyless: { issuer, identityRegExp } };
        assert.equal(await signed("x:1.0", rule), `x:1.0@${digest}`);
      });

      it("do not count by another key", async () => {
        await put(form, registry.image("1.0"), keySigner());
        assert.match(await refusal("x:1.0", byKey), /was not made by the required signer/);
      });

      it("do not count where the key is a certificate's", async () => {
        await put(form, registry.image("1.0"), await sigstore.keyless());
        assert.match(await refusal("x:1.0", byKey), /was not made by the required signer/);
        await put(form, registry.image("2.0"), key);
        assert.match(await refusal("x:2.0", byIdentity), /was made with a key/);
      });

      it("do not count of another digest", async () => {
        const other = registry.image("other");
        await put(form, registry.image("1.0"), key, { says: other });
        assert.match(
          await refusal("x:1.0", byKey),
          new RegExp(`is of ${other} and not of this image`),
        );
      });

      it("do not count for an index when they are of its platforms, nor the other way", async () => {
        const platform = registry.image("amd64");
        const index = registry.index("1.0", [platform]);
        await put(form, platform, key);
        assert.match(await refusal("x:1.0", byKey), /has no signature/);
        assert.equal(await signed(`x@${platform}`, byKey), `x@${platform}`);
        registry.image("arm64");
        const second = registry.index("2.0", [registry.image("arm64")]);
        await put(form, second, key);
        assert.match(await refusal("x:arm64", byKey), /has no signature/);
        assert.match(await refusal(`x@${index}`, byKey), /has no signature/);
      });

      it("count without a log only where the rule says so", async () => {
        const digest = registry.image("1.0");
        await put(form, digest, key, { logged: false });
        assert.match(await refusal("x:1.0", byKey), /is not in a transparency log/);
        const rule = { key: "cosign.pub", ignoreTlog: true };
        assert.equal(await signed("x:1.0", rule), `x:1.0@${digest}`);
      });

      it("do not count where bytes of them are changed", async () => {
        await put(form, registry.image("1.0"), key, { signature: Buffer.alloc(70, 1) });
        assert.match(await refusal("x:1.0", byKey), /was not made by the required signer/);
      });

      it("do not count by another issuer or identity, nor by one that only begins alike", async () => {
        const others: [string, string][] = [
          [identity, "https://accounts.example.com"],
          [identity.replace("acme", "evil"), issuer],
          [`${identity}-of-somebody`, issuer],
          [`https://evil.example.com/${identity}`, issuer],
        ];
        for (const [index, [who, vouchedBy]] of others.entries()) {
          await put(form, registry.image(`${index}`), await sigstore.keyless(who, vouchedBy));
          const why = await refusal(`x:${index}`, byIdentity);
          assert.ok(why.includes(`is by ${who} of ${vouchedBy}`), why);
          const expression = identity.replaceAll(/[.]/g, "\\.");
          const rule = { ...byIdentity, keyless: { issuer, identityRegExp: expression } };
          assert.match(await refusal(`x:${index}`, rule), /has no signature that counts/);
        }
      });

      it("do not count by a certificate that was over, or of which nothing proves that it was not", async () => {
        await put(form, registry.image("1"), await sigstore.keyless(), { logged: false });
        assert.match(await refusal("x:1", byIdentity), /has no proof of its time/);
        await put(form, registry.image("2"), await sigstore.keyless(), { loggedAfter: 11 });
        assert.match(await refusal("x:2", byIdentity), /was not valid when it signed/);
        const old = await sigstore.keyless(identity, issuer, { startedAfter: -60 });
        await put(form, registry.image("3"), old);
        assert.match(await refusal("x:3", byIdentity), /was not valid when it signed/);
      });

      it("do not count by a certificate of another authority, or one that is in no log", async () => {
        await put(form, registry.image("1"), await new TestSigstore().keyless());
        assert.match(await refusal("x:1", byIdentity), /has a certificate that is not trusted/);
        const hidden = await sigstore.keyless(identity, issuer, { inLog: false });
        await put(form, registry.image("2"), hidden);
        assert.match(await refusal("x:2", byIdentity), /has a certificate that is not trusted/);
      });

      it("do not count where another log has them", async () => {
        const strange = new TestSigstore();
        const digest = registry.image("1");
        await (form === "classic"
          ? strange.signClassic(registry, digest, key)
          : strange.signBundle(registry, digest, key));
        assert.match(await refusal("x:1", byKey), /is not in a transparency log that is trusted/);
      });

      it("count by a time stamp, for a Sigstore without logs", async () => {
        const digest = registry.image("1");
        const rule = { ...byIdentity, trustedRoot: "stamps.json" };
        const signer = await sigstore.keyless(identity, issuer, { inLog: false });
        await put(form, digest, signer, { logged: false });
        assert.match(await refusal("x:1", rule), /has no proof of its time/);
        await put(form, digest, signer, { logged: false, stamped: true });
        assert.equal(await signed("x:1", rule), `x:1@${digest}`);
      });
    });
  }

  it("that are statements of something else are none", async () => {
    const digest = registry.image("1.0");
    const predicateType = "https://slsa.dev/provenance/v1";
    await sigstore.signBundle(registry, digest, key, { predicateType });
    assert.match(await refusal("x:1.0", byKey), /has no signature\.$/);
  });

  it("are found among others, and one that counts is enough", async () => {
    const digest = registry.image("1.0");
    await sigstore.signBundle(registry, digest, keySigner());
    await sigstore.signBundle(registry, digest, key);
    registry.attach(digest, "application/spdx+json", [
      registry.blob("{}", "application/spdx+json"),
    ]);
    registry.pageSize = 1;
    assert.equal(await signed("x:1.0", byKey), `x:1.0@${digest}`);
  });

  it("are found under the tag of a registry that has no list of referrers", async () => {
    registry.referrers = false;
    const digest = registry.image("1.0");
    await sigstore.signBundle(registry, digest, keySigner());
    await sigstore.signBundle(registry, digest, key);
    assert.equal(await signed("x:1.0", byKey), `x:1.0@${digest}`);
  });

  it("need every rule that the image matches", async () => {
    const digest = registry.image("1.0");
    await sigstore.signBundle(registry, digest, key);
    const settings = verifyImages.parse({
      rules: [
        { images: [`${registry.host}/x`], ...byKey },
        { images: ["127.0.0.1:*"], ...byIdentity },
        { images: ["ghcr.io/*"], ...byIdentity },
      ],
    });
    const { rules } = readRules(settings, directory);
    const verdict = await verifyImage(`${registry.host}/x:1.0`, rules);
    assert.equal(verdict.state, "refused");
    assert.deepEqual(verdict.state === "refused" && verdict.faults.map(({ path }) => path), [
      "verifyImages.rules[1]",
    ]);
  });

  it("are asked for with the login of a pull secret, and nothing is asked for an image without a rule", async () => {
    registry.withLogin = { username: "robot", password: "pull-secret" };
    const digest = registry.image("1.0");
    await sigstore.signClassic(registry, digest, key);
    const without = await ask("x:1.0", byKey);
    assert.match(without.state === "unseen" ? without.why : "", /^it wants a login$/);
    const { withLogin } = registry;
    const seen = await ask("x:1.0", byKey, { loginFor: () => Promise.resolve(withLogin) });
    assert.equal(seen.state, "signed");
    registry.asked.length = 0;
    const { rules } = readRules(
      verifyImages.parse({ rules: [{ images: ["ghcr.io/acme/*"], ...byKey }] }),
      directory,
    );
    assert.equal((await verifyImage(`${registry.host}/x:1.0`, rules)).state, "unmatched");
    assert.deepEqual(registry.asked, []);
  });

  describe("of a registry that means harm", () => {
    const unseen = async (image: string, options?: VerifyOptions): Promise<string> => {
      const verdict = await ask(image, byKey, options);
      assert.equal(verdict.state, "unseen", JSON.stringify(verdict));
      return verdict.state === "unseen" ? verdict.why : "";
    };

    it("are not read of a manifest without end, or one that is nested without end", async () => {
      registry.instead = ({ url = "" }, response) => {
        if (!url.endsWith("/manifests/1.0")) return false;
        response.writeHead(200).end(Buffer.alloc(5 * 1024 * 1024, 32));
        return true;
      };
      assert.match(await unseen("x:1.0"), /longer than 4194304 bytes/);
      const digest = registry.image("2.0");
      registry.instead = ({ url = "" }, response) => {
        if (!url.includes("/referrers/")) return false;
        response.writeHead(200).end("[".repeat(1_000_000));
        return true;
      };
      assert.match(await refusal(`x@${digest}`, byKey), /is nested deeper than 32 levels/);
    });

    it("are not waited for without end", async () => {
      const digest = registry.image("1.0");
      registry.instead = ({ url = "" }, response) => {
        if (!url.includes("/referrers/")) return false;
        response.writeHead(200);
        const drip = setInterval(() => response.write(" "), 20);
        response.on("close", () => clearInterval(drip));
        return true;
      };
      const started = Date.now();
      assert.match(await unseen(`x@${digest}`, { limitMs: 300 }), /no answer in time/);
      assert.ok(Date.now() - started < 5000);
    });

    it("are not looked at without end", async () => {
      const digest = registry.image("1.0");
      const layer = await sigstore.classicLayer(registry, digest, keySigner());
      registry.manifest(
        {
          schemaVersion: 2,
          layers: Array.from({ length: 150 }, () => layer),
        },
        `${digest.replace(":", "-")}.sig`,
      );
      assert.match(await refusal("x:1.0", byKey), /only the first 100 were checked/);
      assert.equal(registry.asked.filter((one) => one.includes("/blobs/")).length, 100);
    });

    it("are read no further than their size", async () => {
      const digest = registry.image("1.0");
      const type = "application/vnd.dev.sigstore.bundle.v0.3+json";
      registry.attach(digest, type, [registry.blob(Buffer.alloc(600_000, 32), type)]);
      assert.match(await refusal("x:1.0", byKey), /is longer than 524288 bytes/);
      const { size } = registry.blob("small", type);
      registry.attach(digest, type, [{ ...registry.blob(Buffer.alloc(600_001, 32), type), size }]);
      assert.match(await refusal("x:1.0", byKey), /is longer than 524288 bytes/);
    });

    it("are not taken from bytes that are not what their digest says", async () => {
      const digest = registry.image("1.0");
      await sigstore.signClassic(registry, digest, keySigner());
      registry.instead = ({ url = "" }, response) => {
        if (!url.includes("/blobs/")) return false;
        response.writeHead(200).end("{}");
        return true;
      };
      assert.match(await refusal("x:1.0", byKey), /does not match its digest/);
    });

    it("are never read of what is no signature", async () => {
      const digest = registry.image("1.0");
      const type = "application/vnd.dev.sigstore.bundle.v0.3+json";
      const whole = (await sigstore.bundle(digest, key)) as Record<string, object>;
      const oddBundles: unknown[] = [
        ...[null, [], 7, "x", {}, { mediaType: type }],
        { ...whole, dsseEnvelope: undefined },
        { ...whole, verificationMaterial: { certificate: { rawBytes: "AAAA" }, tlogEntries: [] } },
        { ...whole, dsseEnvelope: { ...whole.dsseEnvelope, signatures: [] } },
        { ...whole, dsseEnvelope: { ...whole.dsseEnvelope, payloadType: "text/plain" } },
      ];
      for (const odd of oddBundles)
        registry.attach(digest, type, [registry.blob(JSON.stringify(odd), type)]);
      const why = await refusal("x:1.0", byKey);
      assert.match(why, /has no signature that counts/);
      assert.ok(why.length < 2000, why);
    });
  });
});

describe("a rule for signatures", () => {
  const { rules } = readRules(
    verifyImages.parse({
      rules: [
        {
          images: ["ghcr.io/acme/*", "docker.io/library/*", "*.example.com/a/b"],
          key: pemOf(key),
          ignoreTlog: true,
        },
      ],
    }),
  );
  const matches = (image: string): boolean => rules[0]?.matches(image) === true;

  it("is about images by registry and path, however they are written", () => {
    for (const image of [
      "ghcr.io/acme/x",
      "ghcr.io/acme/deep/er:1",
      "GHCR.io/acme/x:1",
      "ghcr.io:443/acme/x:1",
      "ghcr.io./acme/x:1",
      `ghcr.io/acme/x@sha256:${"a".repeat(64)}`,
      "postgres:18",
      "index.docker.io/library/postgres",
      "eu.example.com/a/b:1",
    ])
      assert.ok(matches(image), image);
    for (const image of [
      "ghcr.io/acme",
      "ghcr.io/acmeX/x",
      "evil.example.com/ghcr.io/acme/x",
      "ghcrXio/acme/x",
      "acme/x",
      "eu.example.com/a/b/c",
    ])
      assert.ok(!matches(image), image);
  });

  it("names what can be read, or says what is wrong with it", () => {
    const problem = (rule: object): string =>
      readRules(verifyImages.parse({ rules: [{ images: ["ghcr.io/*"], ...rule }] }), tmpdir())
        .problems.map(({ path, problem: said }) => `${path} ${said}`)
        .join();
    assert.match(problem({ key: "no-such.pub" }), /rules\[0\]\.key "no-such.pub" cannot be read/);
    assert.match(problem({ key: "-----BEGIN x" }), /holds no public key in PEM/);
    const keyless = { keyless: { issuer, identity }, trustedRoot: "no-such.json" };
    assert.match(problem(keyless), /trustedRoot "no-such.json" cannot be read/);
    writeFileSync(join(tmpdir(), `private-${process.pid}.pem`), privatePem());
    assert.match(
      problem({ key: `private-${process.pid}.pem` }),
      /holds a private key: whoever reads it can sign/,
    );
    rmSync(join(tmpdir(), `private-${process.pid}.pem`));
  });
});

function privatePem(): string {
  return keySigner().privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}
