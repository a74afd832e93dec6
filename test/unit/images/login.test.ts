import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

import { findingLogins } from "@mcp-fleet/images";

const config = (username: string, password: string, registry: string): string =>
  JSON.stringify({ auths: { [registry]: { username, password } } });

describe("a login at a registry", () => {
  const { DOCKER_CONFIG, PATH } = process.env;
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "mcp-fleet-login-"));
    process.env.DOCKER_CONFIG = directory;
    process.env.PATH = `${directory}${delimiter}${PATH}`;
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
    process.env.PATH = PATH;
    if (DOCKER_CONFIG === undefined) delete process.env.DOCKER_CONFIG;
    else process.env.DOCKER_CONFIG = DOCKER_CONFIG;
  });
  const docker = (content: object | string): void =>
    writeFileSync(
      join(directory, "config.json"),
      typeof content === "string" ? content : JSON.stringify(content),
    );

  it("is the first pull secret's that has one, which is read once; else this machine's", async () => {
    docker(config("me", "own", "ghcr.io"));
    const read: string[] = [];
    const find = findingLogins((name) => {
      read.push(name);
      return Promise.resolve(
        { broken: "no JSON", here: config("robot", "pull-secret", "harbor.example.com") }[name],
      );
    });
    const secrets = ["gone", "broken", "here"];
    const robot = { username: "robot", password: "pull-secret" };
    assert.deepEqual(await find("harbor.example.com", secrets), robot);
    assert.deepEqual(await find("harbor.example.com", secrets), robot);
    assert.deepEqual(await find("ghcr.io", secrets), { username: "me", password: "own" });
    assert.equal(await find("quay.io", secrets), undefined);
    assert.deepEqual(read, secrets);
  });

  it("is what a credential helper says, which is told the registry by its input alone", async () => {
    const helper = join(directory, "docker-credential-vault");
    writeFileSync(
      helper,
      `#!/bin/sh\nread server || true\necho "{\\"Username\\":\\"$server/$*\\",\\"Secret\\":\\"of-the-vault\\"}"\n`,
    );
    chmodSync(helper, 0o755);
    docker({ credHelpers: { "ghcr.io": "vault" }, credsStore: "not-installed" });
    const find = findingLogins(() => Promise.resolve(undefined));
    assert.deepEqual(await find("ghcr.io", []), {
      username: "ghcr.io/get",
      password: "of-the-vault",
    });
    assert.equal(await find("quay.io", []), undefined);
    docker({ credsStore: "../../bin/sh" });
    assert.equal(await findingLogins(() => Promise.resolve(undefined))("ghcr.io", []), undefined);
  });
});
