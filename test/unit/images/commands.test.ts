import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { checkSignatures } from "@mcp-fleet/operations";

import { mcpFleet } from "../../support/cli";
import { OciRegistry } from "../../support/oci-registry";
import { freePort } from "../../support/port";
import { identity, issuer, keySigner, pemOf, TestSigstore } from "../../support/sigstore";

const sigstore = new TestSigstore();
const key = keySigner();

describe("who signed images, asked by command", () => {
  let registry: OciRegistry;
  let directory: string;
  let root: string;
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), "mcp-fleet-signed-"));
    root = join(directory, "root.json");
    writeFileSync(root, JSON.stringify(await sigstore.trustedRoot()));
    writeFileSync(join(directory, "cosign.pub"), pemOf(key));
    registry = await OciRegistry.start();
    await sigstore.signBundle(registry, registry.image("key"), key);
    await sigstore.signClassic(registry, registry.image("workflow"), await sigstore.keyless());
    registry.image("nobody");
  });
  after(() => {
    registry.stop();
    rmSync(directory, { recursive: true });
  });

  const image = (tag: string): string => `${registry.host}/acme/x:${tag}`;

  it("mcp-fleet image verify says it of images and a key or an identity", async () => {
    const asked = async (...args: string[]) => {
      const { exitCode, stdout } = await mcpFleet(["image", "verify", "-o", "json", ...args]);
      const said = JSON.parse(stdout) as { state: string; said: string; digest?: string }[];
      return [exitCode, ...said.map(({ state }) => state)];
    };
    const byKey = ["--key", join(directory, "cosign.pub"), "--trusted-root", root];
    assert.deepEqual(await asked(image("key"), ...byKey), [0, "signed"]);
    const [both, ...others] = [
      await asked(image("key"), image("workflow"), image("nobody"), ...byKey),
      await asked(
        image("workflow"),
        "--issuer",
        issuer,
        "--identity",
        identity,
        "--trusted-root",
        root,
      ),
      await asked(`127.0.0.1:${await freePort()}/x:1`, ...byKey),
    ];
    assert.deepEqual(both, [10, "signed", "refused", "refused"]);
    assert.deepEqual(others, [
      [0, "signed"],
      [6, "unseen"],
    ]);
    const { exitCode, stderr } = await mcpFleet(["image", "verify", image("key"), "--key", root]);
    assert.equal(exitCode, 2);
    assert.match(stderr, /holds no public key in PEM/);
  });

  it("mcp-fleet doctor says it of a stack's images", async () => {
    const wanted = ["key", "nobody", "workflow"].map((tag) => ({
      ...{ image: image(tag), namespace: "tools", pullSecrets: [] },
    }));
    const other = { image: "registry.example/x:1", namespace: "tools", pullSecrets: [] };
    const rules = [{ images: [`${registry.host}/*`], key: "cosign.pub", trustedRoot: "root.json" }];
    const findings = await checkSignatures([...wanted, other], { rules }, undefined, directory);
    assert.deepEqual(
      findings.map(({ state }) => state),
      ["ok", "fail", "fail", "warn"],
    );
    assert.match(findings[0]?.said ?? "", /acme\/x:key@sha256:[0-9a-f]{64} is signed by the key/);
    assert.match(findings[1]?.said ?? "", /^\[verifyImages\.rules\[0\]\] .* has no signature\.$/);
    const required = await checkSignatures(
      [other],
      { rules, required: true },
      undefined,
      directory,
    );
    assert.deepEqual(required[0]?.state, "fail");
    assert.deepEqual(await checkSignatures([other], {}, undefined), []);
  });

  it("a stack without rules loads nothing for it", () => {
    const script = `const { verifiedImages } = require("./dist/stacks/verify-images");
      verifiedImages({ settings: { verifyImages: { rules: [], required: false } } }).then(() => {
        const loaded = Object.keys(require.cache).filter((file) => /packages.images/.test(file));
        console.log(JSON.stringify(loaded));
      });`;
    assert.equal(execFileSync(process.execPath, ["-e", script], { encoding: "utf8" }), "[]\n");
  });
});
